#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "shim/linux/cgroup_counters.h"
#include "shim/linux/network_counters.h"
#include "shim/linux/process_files.h"
#include "shim/linux/tree_use.h"

namespace dockershimd::shim::stats {

/// What a folder took when it was last walked.
struct FolderUse {
  linuxos::TreeUse use;
  base::UnixNanos measured_at = 0;
};

/// The counters of one cgroup, a container's or a pod's. Empty where it does not run or the kernel
/// does not count.
struct GroupSample {
  base::UnixNanos taken_at = 0;  ///< 0: nothing runs there
  std::string cgroup_path;
  std::optional<linuxos::CpuCounters> cpu;
  std::optional<std::uint64_t> nano_cores;  ///< from the second sample on
  std::optional<linuxos::MemoryCounters> memory;
  std::optional<linuxos::TaskCounters> tasks;
  std::optional<linuxos::Pressure> cpu_pressure;
  std::optional<linuxos::Pressure> memory_pressure;
  std::optional<linuxos::Pressure> io_pressure;
  // Only for metrics:
  std::vector<linuxos::DeviceIo> io;
  std::optional<linuxos::ProcessCounters> processes;
};

struct ContainerSample {
  GroupSample group;
  std::optional<FolderUse> writable_layer;  ///< empty until it has been walked
};

struct PodSample {
  GroupSample group;
  /// Empty on the host's network.
  std::optional<std::vector<linuxos::InterfaceCounters>> interfaces;
};

/// Where an engine keeps images and writable layers.
struct StoreLayout {
  std::string folder;   ///< the store as a whole: what CRI calls its mountpoint
  std::string layers;   ///< holds one folder per layer
  std::string content;  ///< compressed layers; empty where the engine keeps none
  bool operator==(const StoreLayout&) const = default;
};

struct StoreUse {
  linuxos::TreeUse images;
  linuxos::TreeUse containers;  ///< writable layers
  base::UnixNanos measured_at = 0;
};

}  // namespace dockershimd::shim::stats
