#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/guarded.h"
#include "shim/linux/cgroup_finder.h"
#include "shim/linux/cgroup_handle.h"
#include "shim/stats/disk_use.h"
#include "shim/stats/sample.h"

namespace dockershimd::shim::stats {

/// Samples of containers and pods from the kernel's files. Thread-safe. Finds the folders of a
/// container once per process, remembers the last sample of each for its CPU rate, and forgets
/// what nobody asks for any more.
class Collector {
 public:
  struct Container {
    std::string id;
    int pid = 0;  ///< 0: does not run
    /// Where the engine says that it writes to; empty: found in the container's mounts.
    std::string upper_dir;
  };
  struct Pod {
    std::string id;
    int pid = 0;
    bool own_cgroup = false;  ///< its containers' cgroups are in one that is the pod's alone
    bool own_network = false;
  };

  /// `root` comes before every path of the kernel's: recorded trees in tests.
  explicit Collector(DiskUse& disk, std::string root = "")
      : disk_(disk), root_(std::move(root)), cgroups_(root_) {}

  /// A container that does not run, or has just ended, has no counters.
  [[nodiscard]] ContainerSample Sample(const Container& container, linuxos::Detail detail);

  /// `containers`: samples of the pod's containers, added up where the pod has no cgroup.
  [[nodiscard]] PodSample Sample(const Pod& pod, std::span<const ContainerSample> containers,
                                 linuxos::Detail detail);

  /// For a container or sandbox that has been removed: closes what was open for it.
  void Forget(const std::string& id);

 private:
  using Clock = std::chrono::steady_clock;

  /// What is known of a container, or of a pod by its sandbox.
  struct Known {
    int pid = 0;
    std::shared_ptr<const linuxos::CgroupHandle> cgroup;
    std::string upper_dir;
    Clock::time_point asked;
    // For the CPU rate:
    Clock::time_point counted_at;
    std::uint64_t usage_ns = 0;
    std::optional<std::uint64_t> nano_cores;
  };

  /// `is_pod_cgroup`: wants the cgroup above the process's.
  [[nodiscard]] Known Find(const std::string& id, int pid, bool is_pod_cgroup);
  [[nodiscard]] std::string ProcFile(int pid, std::string_view name) const;
  [[nodiscard]] GroupSample Read(const linuxos::CgroupHandle& cgroup, linuxos::Detail detail);
  [[nodiscard]] std::optional<std::uint64_t> Rate(const std::string& id, int pid,
                                                  std::uint64_t usage_ns);

  DiskUse& disk_;
  std::string root_;
  linuxos::CgroupFinder cgroups_;
  base::Guarded<std::unordered_map<std::string, Known>> known_;
};

}  // namespace dockershimd::shim::stats
