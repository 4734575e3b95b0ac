#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shim/linux/cgroup_handle.h"

namespace dockershimd::shim::linuxos {

/// How much is read: what CRI's stats show, or what metrics show too. Each file costs.
enum class Detail : std::uint8_t { kStats, kMetrics };

enum class Resource : std::uint8_t { kCpu, kMemory, kIo };

struct CpuCounters {
  std::uint64_t usage_ns = 0;
  // Only for metrics:
  std::uint64_t user_ns = 0;
  std::uint64_t system_ns = 0;
  std::uint64_t periods = 0;
  std::uint64_t throttled_periods = 0;
  std::uint64_t throttled_ns = 0;
};

struct MemoryCounters {
  std::uint64_t usage = 0;
  std::optional<std::uint64_t> limit;  ///< empty: unlimited
  std::uint64_t rss = 0;               ///< anonymous memory
  std::uint64_t cache = 0;
  std::uint64_t mapped_file = 0;
  std::uint64_t active_file = 0;
  std::uint64_t inactive_file = 0;
  std::uint64_t page_faults = 0;
  std::uint64_t major_page_faults = 0;
  std::optional<std::uint64_t> swap;  ///< empty: this kernel does not count it
  std::optional<std::uint64_t> swap_limit;
  // Only for metrics:
  std::uint64_t max_usage = 0;
  std::uint64_t kernel = 0;
  std::uint64_t limit_hits = 0;
  std::uint64_t oom_kills = 0;

  /// What cannot be given up without swapping, as cadvisor and kubelet's eviction count it.
  [[nodiscard]] std::uint64_t WorkingSet() const {
    return usage > inactive_file ? usage - inactive_file : 0;
  }
};

/// How long tasks have waited for a resource (PSI).
struct Pressure {
  struct Line {
    double avg10 = 0;
    double avg60 = 0;
    double avg300 = 0;
    std::uint64_t total_us = 0;
  };
  std::optional<Line> some;  ///< at least one task
  std::optional<Line> full;  ///< all of them
};

struct TaskCounters {
  std::uint64_t tasks = 0;             ///< threads
  std::optional<std::uint64_t> limit;  ///< only for metrics; empty: unlimited
};

/// What went to and from one block device.
struct DeviceIo {
  std::string name;  ///< "/dev/sda"; "8:0" where the kernel does not show it
  std::uint32_t major = 0;
  std::uint32_t minor = 0;
  std::uint64_t read_bytes = 0;
  std::uint64_t written_bytes = 0;
  std::uint64_t reads = 0;
  std::uint64_t writes = 0;
};

// Each is empty where the cgroup has gone or its controller is off.
[[nodiscard]] std::optional<CpuCounters> ReadCpu(const CgroupHandle& cgroup, Detail detail);
[[nodiscard]] std::optional<MemoryCounters> ReadMemory(const CgroupHandle& cgroup, Detail detail);
[[nodiscard]] std::optional<TaskCounters> ReadTasks(const CgroupHandle& cgroup, Detail detail);
[[nodiscard]] std::vector<DeviceIo> ReadIo(const CgroupHandle& cgroup);
/// On hybrid hosts too, where the runtime joins the v2 hierarchy.
[[nodiscard]] std::optional<Pressure> ReadPressure(const CgroupHandle& cgroup, Resource resource);

/// "/dev/sda" for the numbers of a block device, by its link in `sys_folder` ("/sys"); the numbers
/// themselves where there is none.
[[nodiscard]] std::string BlockDeviceName(const std::string& sys_folder, std::uint32_t major,
                                          std::uint32_t minor);

/// Reads a *.pressure file.
[[nodiscard]] std::optional<Pressure> ParsePressure(std::string_view text);
/// Reads io.stat of v2.
[[nodiscard]] std::vector<DeviceIo> ParseIoStat(std::string_view text);
/// Reads blkio.throttle.io_service_bytes_recursive and io_serviced_recursive of v1.
[[nodiscard]] std::vector<DeviceIo> ParseBlkio(std::string_view bytes, std::string_view operations);

}  // namespace dockershimd::shim::linuxos
