#include "shim/translate/stats.h"

#include <algorithm>

#include "shim/translate/labels.h"
#include "shim/translate/sandbox.h"

namespace dockershimd::shim::translate {
namespace {

using linuxos::MemoryCounters;
using stats::GroupSample;

runtime::v1::PsiData ToPsiData(const linuxos::Pressure::Line& line) {
  constexpr std::uint64_t kNanosPerMicro = 1000;
  runtime::v1::PsiData data;
  data.set_total(line.total_us * kNanosPerMicro);
  data.set_avg10(line.avg10);
  data.set_avg60(line.avg60);
  data.set_avg300(line.avg300);
  return data;
}

runtime::v1::PsiStats ToPsi(const linuxos::Pressure& pressure) {
  runtime::v1::PsiStats psi;
  if (pressure.some) *psi.mutable_some() = ToPsiData(*pressure.some);
  if (pressure.full) *psi.mutable_full() = ToPsiData(*pressure.full);
  return psi;
}

runtime::v1::CpuUsage ToCpu(const GroupSample& sample) {
  runtime::v1::CpuUsage cpu;
  cpu.set_timestamp(sample.taken_at);
  cpu.mutable_usage_core_nano_seconds()->set_value(sample.cpu->usage_ns);
  if (sample.nano_cores) cpu.mutable_usage_nano_cores()->set_value(*sample.nano_cores);
  if (sample.cpu_pressure) *cpu.mutable_psi() = ToPsi(*sample.cpu_pressure);
  return cpu;
}

runtime::v1::MemoryUsage ToMemory(const GroupSample& sample) {
  const MemoryCounters& counters = *sample.memory;
  const auto working_set = counters.WorkingSet();
  runtime::v1::MemoryUsage memory;
  memory.set_timestamp(sample.taken_at);
  memory.mutable_working_set_bytes()->set_value(working_set);
  if (counters.limit) {
    const auto available = *counters.limit - std::min(*counters.limit, working_set);
    memory.mutable_available_bytes()->set_value(available);
  }
  memory.mutable_usage_bytes()->set_value(counters.usage);
  memory.mutable_rss_bytes()->set_value(counters.rss);
  memory.mutable_page_faults()->set_value(counters.page_faults);
  memory.mutable_major_page_faults()->set_value(counters.major_page_faults);
  if (sample.memory_pressure) *memory.mutable_psi() = ToPsi(*sample.memory_pressure);
  return memory;
}

runtime::v1::SwapUsage ToSwap(const GroupSample& sample) {
  const MemoryCounters& counters = *sample.memory;
  runtime::v1::SwapUsage swap;
  swap.set_timestamp(sample.taken_at);
  swap.mutable_swap_usage_bytes()->set_value(*counters.swap);
  if (counters.swap_limit) {
    const auto available = *counters.swap_limit - std::min(*counters.swap_limit, *counters.swap);
    swap.mutable_swap_available_bytes()->set_value(available);
  }
  return swap;
}

runtime::v1::IoUsage ToIo(const GroupSample& sample) {
  runtime::v1::IoUsage io;
  io.set_timestamp(sample.taken_at);
  *io.mutable_psi() = ToPsi(*sample.io_pressure);
  return io;
}

runtime::v1::NetworkInterfaceUsage ToInterface(const linuxos::InterfaceCounters& counters) {
  runtime::v1::NetworkInterfaceUsage usage;
  usage.set_name(counters.name);
  usage.mutable_rx_bytes()->set_value(counters.received.bytes);
  usage.mutable_rx_errors()->set_value(counters.received.errors);
  usage.mutable_tx_bytes()->set_value(counters.sent.bytes);
  usage.mutable_tx_errors()->set_value(counters.sent.errors);
  return usage;
}

runtime::v1::NetworkUsage ToNetwork(base::UnixNanos time,
                                    const std::vector<linuxos::InterfaceCounters>& interfaces) {
  // The name that kubelet gives the interface of the pod's own network.
  constexpr std::string_view kDefaultInterface = "eth0";
  runtime::v1::NetworkUsage network;
  network.set_timestamp(time);
  for (const auto& interface : interfaces) {
    const auto& usage = *network.add_interfaces() = ToInterface(interface);
    if (!network.has_default_interface() || interface.name == kDefaultInterface) {
      *network.mutable_default_interface() = usage;
    }
  }
  return network;
}

template <class Config, class Attributes>
void FillAttributes(const std::string& id, Config config, Attributes* attributes) {
  attributes->set_id(id);
  attributes->mutable_metadata()->Swap(config.mutable_metadata());
  attributes->mutable_labels()->swap(*config.mutable_labels());
  attributes->mutable_annotations()->swap(*config.mutable_annotations());
}

}  // namespace

stats::Collector::Container ToTarget(const ContainerRecord& container) {
  const auto& details = container.details;
  return {details.id, details.state.running ? details.state.pid : 0, container.upper_dir};
}

stats::Collector::Pod ToTarget(const SandboxRecord& sandbox) {
  const auto& details = sandbox.details;
  return {details.id, details.state.running ? details.state.pid : 0, !sandbox.cgroup_parent.empty(),
          sandbox.network_mode != "host"};
}

runtime::v1::FilesystemUsage ToFilesystemUsage(const std::string& mountpoint,
                                               const stats::FolderUse& use) {
  runtime::v1::FilesystemUsage usage;
  usage.set_timestamp(use.measured_at);
  usage.mutable_fs_id()->set_mountpoint(mountpoint);
  usage.mutable_used_bytes()->set_value(use.use.bytes);
  usage.mutable_inodes_used()->set_value(use.use.inodes);
  return usage;
}

runtime::v1::ContainerStats ToContainerStats(const ContainerRecord& container,
                                             const stats::ContainerSample& sample,
                                             const std::string& store_folder) {
  runtime::v1::ContainerStats stats;
  FillAttributes(container.details.id, container.config.Get(), stats.mutable_attributes());
  const auto& group = sample.group;
  if (group.cpu) *stats.mutable_cpu() = ToCpu(group);
  if (group.memory) *stats.mutable_memory() = ToMemory(group);
  if (group.memory && group.memory->swap) *stats.mutable_swap() = ToSwap(group);
  if (group.io_pressure) *stats.mutable_io() = ToIo(group);
  if (sample.writable_layer) {
    *stats.mutable_writable_layer() = ToFilesystemUsage(store_folder, *sample.writable_layer);
  }
  return stats;
}

runtime::v1::PodSandboxStats ToPodSandboxStats(const SandboxRecord& sandbox,
                                               const stats::PodSample& sample,
                                               std::span<const stats::ContainerSample> containers) {
  runtime::v1::PodSandboxStats stats;
  FillAttributes(sandbox.details.id, sandbox.config.Get(), stats.mutable_attributes());
  auto& linux_stats = *stats.mutable_linux();
  const auto& group = sample.group;
  if (group.cpu) *linux_stats.mutable_cpu() = ToCpu(group);
  if (group.memory) *linux_stats.mutable_memory() = ToMemory(group);
  if (group.io_pressure) *linux_stats.mutable_io() = ToIo(group);
  // With none, as after the network's teardown, there is no default interface, and kubelet 1.36
  // (with PodAndContainerStatsFromCRI) crashes on a network without one.
  if (sample.interfaces && !sample.interfaces->empty()) {
    *linux_stats.mutable_network() = ToNetwork(group.taken_at, *sample.interfaces);
  }
  // Of the containers, not of the pause process, as kubelet counts them.
  std::uint64_t tasks = 0;
  for (const auto& container : containers) {
    if (container.group.tasks) tasks += container.group.tasks->tasks;
  }
  linux_stats.mutable_process()->set_timestamp(group.taken_at);
  linux_stats.mutable_process()->mutable_process_count()->set_value(tasks);
  return stats;
}

bool Matches(const runtime::v1::ContainerStatsFilter& filter, const ContainerRecord& container) {
  return container.details.id.starts_with(filter.id()) &&
         container.sandbox_id.starts_with(filter.pod_sandbox_id()) &&
         LabelsMatch(filter.label_selector(), container.config);
}

bool Matches(const runtime::v1::PodSandboxStatsFilter& filter, const SandboxRecord& sandbox) {
  return sandbox.details.id.starts_with(filter.id()) &&
         LabelsMatch(filter.label_selector(), sandbox.config);
}

}  // namespace dockershimd::shim::translate
