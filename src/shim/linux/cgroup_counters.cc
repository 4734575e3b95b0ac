#include "shim/linux/cgroup_counters.h"

#include <fmt/format.h>

#include <array>
#include <filesystem>
#include <functional>
#include <string>
#include <system_error>
#include <utility>

#include "shim/linux/small_file.h"
#include "shim/linux/text_fields.h"

namespace dockershimd::shim::linuxos {
namespace {

constexpr std::uint64_t kNanosPerMicro = 1000;
/// v1 shows "no limit" as the largest page-aligned number; cadvisor draws the line here.
constexpr std::uint64_t kUnlimited = std::uint64_t{1} << 62;

using Folders = CgroupFolders;

std::optional<std::uint64_t> ReadNumber(SmallFileReader& reader, const CgroupHandle& cgroup,
                                        CgroupHandle::Controller controller, const char* name) {
  auto text = cgroup.Read(reader, controller, name);
  const auto line = TakeLine(text);
  return line ? ParseNumber(*line) : std::nullopt;
}

std::optional<std::uint64_t> Limit(std::optional<std::uint64_t> number) {
  return number && *number < kUnlimited ? number : std::nullopt;
}

/// A key of a flat keyed file and where its value goes.
struct Field {
  std::string_view key;
  std::uint64_t* value;
};

template <std::size_t kCount>
void ReadFields(std::string_view text, const std::array<Field, kCount>& fields) {
  while (auto line = TakeLine(text)) {
    const auto key = TakeWord(*line);
    for (const auto& field : fields) {
      if (field.key == key) *field.value = ParseNumber(TakeWord(*line)).value_or(0);
    }
  }
}

std::optional<CpuCounters> ReadCpuV1(const CgroupHandle& cgroup, Detail detail) {
  SmallFileReader reader;
  const auto read = [&](const char* name) {
    return ReadNumber(reader, cgroup, &Folders::cpuacct, name);
  };
  const auto usage = read("cpuacct.usage");
  if (!usage) return std::nullopt;
  CpuCounters cpu;
  cpu.usage_ns = *usage;
  if (detail == Detail::kStats) return cpu;
  cpu.user_ns = read("cpuacct.usage_user").value_or(0);
  cpu.system_ns = read("cpuacct.usage_sys").value_or(0);
  ReadFields<3>(cgroup.Read(reader, &Folders::cpu, "cpu.stat"),
                {{
                    {"nr_periods", &cpu.periods},
                    {"nr_throttled", &cpu.throttled_periods},
                    {"throttled_time", &cpu.throttled_ns},
                }});
  return cpu;
}

std::optional<CpuCounters> ReadCpuV2(const CgroupHandle& cgroup) {
  SmallFileReader reader;
  const auto text = cgroup.Read(reader, &Folders::unified, "cpu.stat");
  if (text.empty()) return std::nullopt;
  CpuCounters cpu;
  ReadFields<6>(text, {{
                          {"usage_usec", &cpu.usage_ns},
                          {"user_usec", &cpu.user_ns},
                          {"system_usec", &cpu.system_ns},
                          {"nr_periods", &cpu.periods},
                          {"nr_throttled", &cpu.throttled_periods},
                          {"throttled_usec", &cpu.throttled_ns},
                      }});
  for (auto* time : {&cpu.usage_ns, &cpu.user_ns, &cpu.system_ns, &cpu.throttled_ns}) {
    *time *= kNanosPerMicro;
  }
  return cpu;
}

/// Reads a number of the memory controller.
using ReadMemoryNumber = const std::function<std::optional<std::uint64_t>(const char* name)>;

/// `limit` and `limit_with_swap` are those of the cgroup or one above it. Where even these do not
/// limit anything, there is nothing more to read.
void ReadMemoryLimitsV1(const ReadMemoryNumber& read, std::uint64_t limit,
                        std::uint64_t limit_with_swap, MemoryCounters* memory) {
  if (Limit(limit)) memory->limit = Limit(read("memory.limit_in_bytes"));
  if (!memory->limit || !Limit(limit_with_swap)) return;
  const auto with_swap = Limit(read("memory.memsw.limit_in_bytes"));
  if (with_swap && *with_swap >= *memory->limit) memory->swap_limit = *with_swap - *memory->limit;
}

std::optional<MemoryCounters> ReadMemoryV1(const CgroupHandle& cgroup, Detail detail) {
  SmallFileReader reader;
  const auto read = [&](const char* name) {
    return ReadNumber(reader, cgroup, &Folders::memory, name);
  };
  const auto usage = read("memory.usage_in_bytes");
  if (!usage) return std::nullopt;
  MemoryCounters memory;
  memory.usage = *usage;
  std::uint64_t swap = 0;
  std::uint64_t limit = kUnlimited;
  // Stays as it is where swap is not accounted.
  std::uint64_t limit_with_swap = 0;
  // The totals count the cgroups below, too.
  ReadFields<10>(cgroup.Read(reader, &Folders::memory, "memory.stat"),
                 {{
                     {"total_rss", &memory.rss},
                     {"total_cache", &memory.cache},
                     {"total_mapped_file", &memory.mapped_file},
                     {"total_active_file", &memory.active_file},
                     {"total_inactive_file", &memory.inactive_file},
                     {"total_pgfault", &memory.page_faults},
                     {"total_pgmajfault", &memory.major_page_faults},
                     {"total_swap", &swap},
                     {"hierarchical_memory_limit", &limit},
                     {"hierarchical_memsw_limit", &limit_with_swap},
                 }});
  if (limit_with_swap != 0) memory.swap = swap;
  ReadMemoryLimitsV1(read, limit, limit_with_swap, &memory);
  if (detail == Detail::kStats) return memory;
  memory.max_usage = read("memory.max_usage_in_bytes").value_or(0);
  memory.kernel = read("memory.kmem.usage_in_bytes").value_or(0);
  memory.limit_hits = read("memory.failcnt").value_or(0);
  ReadFields<1>(cgroup.Read(reader, &Folders::memory, "memory.oom_control"),
                {{{"oom_kill", &memory.oom_kills}}});
  return memory;
}

std::optional<MemoryCounters> ReadMemoryV2(const CgroupHandle& cgroup, Detail detail) {
  SmallFileReader reader;
  const auto read = [&](const char* name) {
    return ReadNumber(reader, cgroup, &Folders::unified, name);
  };
  const auto usage = read("memory.current");
  if (!usage) return std::nullopt;
  MemoryCounters memory;
  memory.usage = *usage;
  ReadFields<8>(cgroup.Read(reader, &Folders::unified, "memory.stat"),
                {{
                    {"anon", &memory.rss},
                    {"file", &memory.cache},
                    {"file_mapped", &memory.mapped_file},
                    {"active_file", &memory.active_file},
                    {"inactive_file", &memory.inactive_file},
                    {"pgfault", &memory.page_faults},
                    {"pgmajfault", &memory.major_page_faults},
                    {"kernel", &memory.kernel},
                }});
  memory.limit = Limit(read("memory.max"));
  memory.swap = read("memory.swap.current");
  if (memory.swap) memory.swap_limit = Limit(read("memory.swap.max"));
  if (detail == Detail::kStats) return memory;
  memory.max_usage = read("memory.peak").value_or(0);
  ReadFields<2>(cgroup.Read(reader, &Folders::unified, "memory.events"),
                {{
                    {"max", &memory.limit_hits},
                    {"oom_kill", &memory.oom_kills},
                }});
  return memory;
}

Pressure::Line ParsePressureLine(std::string_view line) {
  Pressure::Line pressure;
  for (auto word = TakeWord(line); !word.empty(); word = TakeWord(line)) {
    const auto equals = word.find('=');
    if (equals == std::string_view::npos) continue;
    const auto key = word.substr(0, equals);
    const auto value = word.substr(equals + 1);
    if (key == "avg10") pressure.avg10 = ParseNumber<double>(value).value_or(0);
    if (key == "avg60") pressure.avg60 = ParseNumber<double>(value).value_or(0);
    if (key == "avg300") pressure.avg300 = ParseNumber<double>(value).value_or(0);
    if (key == "total") pressure.total_us = ParseNumber(value).value_or(0);
  }
  return pressure;
}

/// "8:16", as both versions name a device.
std::optional<DeviceIo> ParseDevice(std::string_view word) {
  const auto colon = word.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto major = ParseNumber<std::uint32_t>(word.substr(0, colon));
  const auto minor = ParseNumber<std::uint32_t>(word.substr(colon + 1));
  if (!major || !minor) return std::nullopt;
  DeviceIo device;
  device.major = *major;
  device.minor = *minor;
  return device;
}

DeviceIo& Find(std::vector<DeviceIo>& devices, const DeviceIo& wanted) {
  for (auto& device : devices) {
    if (device.major == wanted.major && device.minor == wanted.minor) return device;
  }
  return devices.emplace_back(wanted);
}

void AddBlkio(std::string_view text, std::uint64_t DeviceIo::* read,
              std::uint64_t DeviceIo::* written, std::vector<DeviceIo>* devices) {
  while (auto line = TakeLine(text)) {
    const auto device = ParseDevice(TakeWord(*line));
    if (!device) continue;
    const auto operation = TakeWord(*line);
    const auto value = ParseNumber(TakeWord(*line)).value_or(0);
    if (operation == "Read") Find(*devices, *device).*read = value;
    if (operation == "Write") Find(*devices, *device).*written = value;
  }
}

}  // namespace

std::optional<CpuCounters> ReadCpu(const CgroupHandle& cgroup, Detail detail) {
  return cgroup.Has(&Folders::cpuacct) ? ReadCpuV1(cgroup, detail) : ReadCpuV2(cgroup);
}

std::optional<MemoryCounters> ReadMemory(const CgroupHandle& cgroup, Detail detail) {
  return cgroup.Has(&Folders::memory) ? ReadMemoryV1(cgroup, detail) : ReadMemoryV2(cgroup, detail);
}

std::optional<TaskCounters> ReadTasks(const CgroupHandle& cgroup, Detail detail) {
  SmallFileReader reader;
  const auto controller = cgroup.Has(&Folders::pids) ? &Folders::pids : &Folders::unified;
  const auto tasks = ReadNumber(reader, cgroup, controller, "pids.current");
  if (!tasks) return std::nullopt;
  TaskCounters counters{*tasks, {}};
  if (detail == Detail::kMetrics) {
    counters.limit = ReadNumber(reader, cgroup, controller, "pids.max");
  }
  return counters;
}

std::vector<DeviceIo> ReadIo(const CgroupHandle& cgroup) {
  SmallFileReader reader;
  if (!cgroup.Has(&Folders::blkio)) {
    return ParseIoStat(cgroup.Read(reader, &Folders::unified, "io.stat"));
  }
  SmallFileReader operations;
  return ParseBlkio(
      cgroup.Read(reader, &Folders::blkio, "blkio.throttle.io_service_bytes_recursive"),
      cgroup.Read(operations, &Folders::blkio, "blkio.throttle.io_serviced_recursive"));
}

std::optional<Pressure> ReadPressure(const CgroupHandle& cgroup, Resource resource) {
  SmallFileReader reader;
  switch (resource) {
    case Resource::kCpu:
      return ParsePressure(cgroup.Read(reader, &Folders::unified, "cpu.pressure"));
    case Resource::kMemory:
      return ParsePressure(cgroup.Read(reader, &Folders::unified, "memory.pressure"));
    case Resource::kIo:
      return ParsePressure(cgroup.Read(reader, &Folders::unified, "io.pressure"));
  }
  return std::nullopt;
}

std::string BlockDeviceName(const std::string& sys_folder, std::uint32_t major,
                            std::uint32_t minor) {
  const auto numbers = fmt::format("{}:{}", major, minor);
  std::error_code error;
  const auto device = std::filesystem::read_symlink(sys_folder + "/dev/block/" + numbers, error);
  return error ? numbers : "/dev/" + device.filename().string();
}

std::optional<Pressure> ParsePressure(std::string_view text) {
  Pressure pressure;
  while (auto line = TakeLine(text)) {
    const auto kind = TakeWord(*line);
    if (kind == "some") pressure.some = ParsePressureLine(*line);
    if (kind == "full") pressure.full = ParsePressureLine(*line);
  }
  if (!pressure.some && !pressure.full) return std::nullopt;
  return pressure;
}

std::vector<DeviceIo> ParseIoStat(std::string_view text) {
  std::vector<DeviceIo> devices;
  while (auto line = TakeLine(text)) {
    auto device = ParseDevice(TakeWord(*line));
    if (!device) continue;
    for (auto word = TakeWord(*line); !word.empty(); word = TakeWord(*line)) {
      const auto equals = word.find('=');
      if (equals == std::string_view::npos) continue;
      const auto key = word.substr(0, equals);
      const auto value = ParseNumber(word.substr(equals + 1)).value_or(0);
      if (key == "rbytes") device->read_bytes = value;
      if (key == "wbytes") device->written_bytes = value;
      if (key == "rios") device->reads = value;
      if (key == "wios") device->writes = value;
    }
    devices.push_back(*device);
  }
  return devices;
}

std::vector<DeviceIo> ParseBlkio(std::string_view bytes, std::string_view operations) {
  std::vector<DeviceIo> devices;
  AddBlkio(bytes, &DeviceIo::read_bytes, &DeviceIo::written_bytes, &devices);
  AddBlkio(operations, &DeviceIo::reads, &DeviceIo::writes, &devices);
  return devices;
}

}  // namespace dockershimd::shim::linuxos
