#include "shim/linux/cgroup_counters.h"

#include <fmt/format.h>

#include <array>
#include <filesystem>
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

std::optional<std::uint64_t> ReadNumber(SmallFileReader& reader, const std::string& path) {
  auto text = reader.Read(path);
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

std::optional<CpuCounters> ReadCpuV1(const CgroupFolders& cgroup, Detail detail) {
  SmallFileReader reader;
  const auto usage = ReadNumber(reader, cgroup.cpuacct + "/cpuacct.usage");
  if (!usage) return std::nullopt;
  CpuCounters cpu;
  cpu.usage_ns = *usage;
  if (detail == Detail::kStats) return cpu;
  cpu.user_ns = ReadNumber(reader, cgroup.cpuacct + "/cpuacct.usage_user").value_or(0);
  cpu.system_ns = ReadNumber(reader, cgroup.cpuacct + "/cpuacct.usage_sys").value_or(0);
  if (cgroup.cpu.empty()) return cpu;
  ReadFields<3>(reader.Read(cgroup.cpu + "/cpu.stat"), {{
                                                           {"nr_periods", &cpu.periods},
                                                           {"nr_throttled", &cpu.throttled_periods},
                                                           {"throttled_time", &cpu.throttled_ns},
                                                       }});
  return cpu;
}

std::optional<CpuCounters> ReadCpuV2(const std::string& folder) {
  SmallFileReader reader;
  const auto text = reader.Read(folder + "/cpu.stat");
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

void ReadMemoryMetricsV1(SmallFileReader& reader, const std::string& folder,
                         MemoryCounters* memory) {
  memory->max_usage = ReadNumber(reader, folder + "/memory.max_usage_in_bytes").value_or(0);
  memory->kernel = ReadNumber(reader, folder + "/memory.kmem.usage_in_bytes").value_or(0);
  memory->limit_hits = ReadNumber(reader, folder + "/memory.failcnt").value_or(0);
  ReadFields<1>(reader.Read(folder + "/memory.oom_control"), {{{"oom_kill", &memory->oom_kills}}});
}

std::optional<MemoryCounters> ReadMemoryV1(const std::string& folder, Detail detail) {
  SmallFileReader reader;
  const auto usage = ReadNumber(reader, folder + "/memory.usage_in_bytes");
  if (!usage) return std::nullopt;
  MemoryCounters memory;
  memory.usage = *usage;
  std::uint64_t swap = 0;
  // The totals count the cgroups below, too.
  ReadFields<8>(reader.Read(folder + "/memory.stat"),
                {{
                    {"total_rss", &memory.rss},
                    {"total_cache", &memory.cache},
                    {"total_mapped_file", &memory.mapped_file},
                    {"total_active_file", &memory.active_file},
                    {"total_inactive_file", &memory.inactive_file},
                    {"total_pgfault", &memory.page_faults},
                    {"total_pgmajfault", &memory.major_page_faults},
                    {"total_swap", &swap},
                }});
  memory.limit = Limit(ReadNumber(reader, folder + "/memory.limit_in_bytes"));
  // Without swap accounting there is no such file.
  const auto with_swap = ReadNumber(reader, folder + "/memory.memsw.limit_in_bytes");
  if (with_swap) memory.swap = swap;
  if (Limit(with_swap) && memory.limit && *with_swap >= *memory.limit) {
    memory.swap_limit = *with_swap - *memory.limit;
  }
  if (detail == Detail::kMetrics) ReadMemoryMetricsV1(reader, folder, &memory);
  return memory;
}

void ReadMemoryMetricsV2(SmallFileReader& reader, const std::string& folder,
                         MemoryCounters* memory) {
  memory->max_usage = ReadNumber(reader, folder + "/memory.peak").value_or(0);
  ReadFields<2>(reader.Read(folder + "/memory.events"), {{
                                                            {"max", &memory->limit_hits},
                                                            {"oom_kill", &memory->oom_kills},
                                                        }});
}

std::optional<MemoryCounters> ReadMemoryV2(const std::string& folder, Detail detail) {
  SmallFileReader reader;
  const auto usage = ReadNumber(reader, folder + "/memory.current");
  if (!usage) return std::nullopt;
  MemoryCounters memory;
  memory.usage = *usage;
  ReadFields<8>(reader.Read(folder + "/memory.stat"), {{
                                                          {"anon", &memory.rss},
                                                          {"file", &memory.cache},
                                                          {"file_mapped", &memory.mapped_file},
                                                          {"active_file", &memory.active_file},
                                                          {"inactive_file", &memory.inactive_file},
                                                          {"pgfault", &memory.page_faults},
                                                          {"pgmajfault", &memory.major_page_faults},
                                                          {"kernel", &memory.kernel},
                                                      }});
  memory.limit = Limit(ReadNumber(reader, folder + "/memory.max"));
  memory.swap = ReadNumber(reader, folder + "/memory.swap.current");
  memory.swap_limit = Limit(ReadNumber(reader, folder + "/memory.swap.max"));
  if (detail == Detail::kMetrics) ReadMemoryMetricsV2(reader, folder, &memory);
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

std::optional<CpuCounters> ReadCpu(const CgroupFolders& cgroup, Detail detail) {
  if (!cgroup.cpuacct.empty()) return ReadCpuV1(cgroup, detail);
  if (!cgroup.unified.empty()) return ReadCpuV2(cgroup.unified);
  return std::nullopt;
}

std::optional<MemoryCounters> ReadMemory(const CgroupFolders& cgroup, Detail detail) {
  if (!cgroup.memory.empty()) return ReadMemoryV1(cgroup.memory, detail);
  if (!cgroup.unified.empty()) return ReadMemoryV2(cgroup.unified, detail);
  return std::nullopt;
}

std::optional<TaskCounters> ReadTasks(const CgroupFolders& cgroup) {
  const std::string& folder = cgroup.pids.empty() ? cgroup.unified : cgroup.pids;
  if (folder.empty()) return std::nullopt;
  SmallFileReader reader;
  const auto tasks = ReadNumber(reader, folder + "/pids.current");
  if (!tasks) return std::nullopt;
  return TaskCounters{*tasks, ReadNumber(reader, folder + "/pids.max")};
}

std::vector<DeviceIo> ReadIo(const CgroupFolders& cgroup) {
  SmallFileReader reader;
  if (cgroup.blkio.empty()) return ParseIoStat(reader.Read(cgroup.unified + "/io.stat"));
  SmallFileReader operations;
  return ParseBlkio(reader.Read(cgroup.blkio + "/blkio.throttle.io_service_bytes_recursive"),
                    operations.Read(cgroup.blkio + "/blkio.throttle.io_serviced_recursive"));
}

std::optional<Pressure> ReadPressure(const CgroupFolders& cgroup, std::string_view resource) {
  if (cgroup.unified.empty()) return std::nullopt;
  SmallFileReader reader;
  return ParsePressure(reader.Read(cgroup.unified + "/" + std::string(resource) + ".pressure"));
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
