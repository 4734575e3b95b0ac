#pragma once

#include <cstdint>
#include <string>

#include "shim/linux/cgroup_folders.h"

namespace dockershimd::shim::linuxos {

struct ProcessCounters {
  std::uint64_t processes = 0;
  std::uint64_t descriptors = 0;  ///< open files of all of them
  std::uint64_t sockets = 0;      ///< how many of these are sockets
};

/// Counts the processes of a cgroup and of those below it, and their open files as
/// `proc_folder` ("/proc") shows them. Looks at each open file: for metrics, not for polling.
[[nodiscard]] ProcessCounters CountProcesses(const CgroupFolders& cgroup,
                                             const std::string& proc_folder);

}  // namespace dockershimd::shim::linuxos
