#include "shim/stats/collector.h"

#include <utility>

#include "base/file.h"
#include "base/log.h"
#include "shim/linux/mount_info.h"
#include "shim/linux/small_file.h"

namespace dockershimd::shim::stats {
namespace {

using linuxos::Detail;

/// A rate over less says more about the clock than about the container.
constexpr std::chrono::milliseconds kShortestRate(500);
/// What nobody asked for so long is forgotten.
constexpr std::chrono::minutes kForgetAfter(15);

template <class Counters, class... Fields>
void AddFields(const std::optional<Counters>& from, std::optional<Counters>* to, Fields... fields) {
  if (!from) return;
  if (!*to) to->emplace();
  ((** to.*fields += *from.*fields), ...);
}

/// Adds a container's counters to its pod's. Limits and pressure do not add up.
void Add(const GroupSample& part, GroupSample* whole) {
  if (part.taken_at == 0) return;
  using linuxos::CpuCounters;
  using linuxos::MemoryCounters;
  AddFields(part.cpu, &whole->cpu, &CpuCounters::usage_ns, &CpuCounters::user_ns,
            &CpuCounters::system_ns, &CpuCounters::periods, &CpuCounters::throttled_periods,
            &CpuCounters::throttled_ns);
  AddFields(part.memory, &whole->memory, &MemoryCounters::usage, &MemoryCounters::rss,
            &MemoryCounters::cache, &MemoryCounters::mapped_file, &MemoryCounters::active_file,
            &MemoryCounters::inactive_file, &MemoryCounters::page_faults,
            &MemoryCounters::major_page_faults, &MemoryCounters::kernel,
            &MemoryCounters::limit_hits, &MemoryCounters::oom_kills);
  AddFields(part.tasks, &whole->tasks, &linuxos::TaskCounters::tasks);
  if (part.nano_cores) whole->nano_cores = whole->nano_cores.value_or(0) + *part.nano_cores;
  if (part.memory && part.memory->swap) {
    whole->memory->swap = whole->memory->swap.value_or(0) + *part.memory->swap;
  }
}

void ReadPressures(const linuxos::CgroupHandle& cgroup, GroupSample* sample) {
  sample->cpu_pressure = linuxos::ReadPressure(cgroup, linuxos::Resource::kCpu);
  sample->memory_pressure = linuxos::ReadPressure(cgroup, linuxos::Resource::kMemory);
  sample->io_pressure = linuxos::ReadPressure(cgroup, linuxos::Resource::kIo);
}

}  // namespace

void Collector::Forget(const std::string& id) { known_.Lock()->erase(id); }

std::string Collector::ProcFile(int pid, std::string_view name) const {
  return fmt::format("{}/proc/{}/{}", root_, pid, name);
}

Collector::Known Collector::Find(const std::string& id, int pid, bool is_pod_cgroup) {
  const auto now = Clock::now();
  {
    auto known = known_.Lock();
    const auto found = known->find(id);
    if (found != known->end()) {
      found->second.asked = now;
      if (pid == 0) found->second.cgroup.reset();
      if (pid == 0 || (found->second.pid == pid && found->second.cgroup)) return found->second;
    }
  }
  if (pid == 0) return {};
  auto folders = cgroups_.Find(pid, id);
  if (!folders) {
    spdlog::debug("stats: {}", folders.error().message);
    return {};
  }
  if (is_pod_cgroup) folders = linuxos::ParentFolders(*folders);
  Known fresh;
  fresh.pid = pid;
  fresh.asked = now;
  fresh.cgroup = std::make_shared<const linuxos::CgroupHandle>(std::move(*folders));
  const auto mounts = base::ReadFile(ProcFile(pid, "mountinfo"));
  fresh.upper_dir = linuxos::RootUpperDir(linuxos::ParseMountInfo(mounts.value_or("")));
  auto known = known_.Lock();
  std::erase_if(*known, [&](const auto& entry) { return now - entry.second.asked > kForgetAfter; });
  return known->insert_or_assign(id, std::move(fresh)).first->second;
}

GroupSample Collector::Read(const linuxos::CgroupHandle& cgroup, Detail detail) {
  GroupSample sample;
  sample.cgroup_path = cgroup.Folders().path;
  sample.cpu = linuxos::ReadCpu(cgroup, detail);
  sample.memory = linuxos::ReadMemory(cgroup, detail);
  // The cgroup of an ended container has gone.
  if (sample.cpu || sample.memory) sample.taken_at = base::WallClockNow();
  if (detail == Detail::kStats || sample.taken_at == 0) return sample;
  sample.io = linuxos::ReadIo(cgroup);
  for (auto& device : sample.io) {
    device.name = linuxos::BlockDeviceName(root_ + "/sys", device.major, device.minor);
  }
  sample.processes = linuxos::CountProcesses(cgroup.Folders(), root_ + "/proc");
  return sample;
}

std::optional<std::uint64_t> Collector::Rate(const std::string& id, int pid,
                                             std::uint64_t usage_ns) {
  const auto now = Clock::now();
  auto all = known_.Lock();
  const auto found = all->find(id);
  if (found == all->end() || found->second.pid != pid) return std::nullopt;
  auto& known = found->second;
  const bool is_first = known.counted_at == Clock::time_point();
  const auto passed = now - known.counted_at;
  if (!is_first && passed < kShortestRate) return known.nano_cores;
  if (!is_first && usage_ns >= known.usage_ns) {
    const double seconds = std::chrono::duration<double>(passed).count();
    known.nano_cores =
        static_cast<std::uint64_t>(static_cast<double>(usage_ns - known.usage_ns) / seconds);
  }
  known.counted_at = now;
  known.usage_ns = usage_ns;
  return known.nano_cores;
}

ContainerSample Collector::Sample(const Container& container, Detail detail) {
  const auto known = Find(container.id, container.pid, false);
  ContainerSample sample;
  if (container.pid != 0 && known.cgroup) {
    sample.group = Read(*known.cgroup, detail);
    sample.group.tasks = linuxos::ReadTasks(*known.cgroup, detail);
    ReadPressures(*known.cgroup, &sample.group);
  }
  if (sample.group.cpu) {
    sample.group.nano_cores = Rate(container.id, container.pid, sample.group.cpu->usage_ns);
  }
  const std::string& upper_dir =
      container.upper_dir.empty() ? known.upper_dir : container.upper_dir;
  if (!upper_dir.empty()) sample.writable_layer = disk_.Layer(root_ + upper_dir);
  return sample;
}

PodSample Collector::Sample(const Pod& pod, std::span<const ContainerSample> containers,
                            Detail detail) {
  PodSample sample;
  if (pod.pid == 0) return sample;
  const auto known = Find(pod.id, pod.pid, pod.own_cgroup);
  // Its process has just ended.
  if (!known.cgroup) return sample;
  sample.group = Read(*known.cgroup, detail);
  if (sample.group.cpu) {
    sample.group.nano_cores = Rate(pod.id, pod.pid, sample.group.cpu->usage_ns);
  }
  // Stats count the containers' own.
  if (detail == Detail::kMetrics) sample.group.tasks = linuxos::ReadTasks(*known.cgroup, detail);
  if (pod.own_cgroup) {
    ReadPressures(*known.cgroup, &sample.group);
  } else {
    for (const auto& container : containers) Add(container.group, &sample.group);
  }
  if (pod.own_network) {
    linuxos::SmallFileReader reader;
    sample.interfaces = linuxos::ParseNetDev(reader.Read(ProcFile(pod.pid, "net/dev")));
  }
  return sample;
}

}  // namespace dockershimd::shim::stats
