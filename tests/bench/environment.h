#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "process_use.h"

namespace dockershimd::bench {

/// CPU time used so far, in nanoseconds.
struct CpuUse {
  std::int64_t daemon = 0;  ///< with log_plugin's, of which one at most does something
  std::int64_t engine = 0;  ///< dockerd and its containerd
  std::int64_t shims = 0;   ///< containerd's, one or two for each pod
};

/// The namespaces that tests/support/with-engine has opened for one runtime, seen from outside.
class Environment {
 public:
  /// `init` is process 1 of the environment, by its number here; `state` its DSD_TEST_STATE.
  Environment(pid_t init, std::filesystem::path state);

  /// A path of the environment's own mounts.
  [[nodiscard]] std::filesystem::path Inside(const std::string& path) const;
  [[nodiscard]] const std::filesystem::path& State() const { return state_; }
  [[nodiscard]] pid_t Init() const { return init_; }

  [[nodiscard]] CpuUse Cpu() const;
  [[nodiscard]] MemoryUse Memory() const { return MemoryOf(daemon_); }

  /// Removes a pod's cgroup, as kubelet does once the pod is gone.
  void RemoveCgroup(const std::string& path) const;

 private:
  struct Process {
    pid_t pid = 0;  ///< seen from here
    std::string name;
  };
  [[nodiscard]] std::vector<Process> Processes() const;

  pid_t init_;
  std::filesystem::path state_;
  pid_t daemon_ = 0;
};

}  // namespace dockershimd::bench
