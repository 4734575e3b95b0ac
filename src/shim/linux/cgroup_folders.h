#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "shim/linux/mount_info.h"

namespace dockershimd::shim::linuxos {

/// Where the files of one cgroup are. On v1 each controller has a folder of its own; a controller
/// without one is on v2, in `unified`. Hybrid hosts have both: v1 controllers, and a v2 folder that
/// knows the pressure.
struct CgroupFolders {
  std::string path;     ///< the cgroup's name in its hierarchy: "/kubepods/pod1/<id>"
  std::string cpu;      ///< v1
  std::string cpuacct;  ///< v1
  std::string memory;   ///< v1
  std::string pids;     ///< v1
  std::string blkio;    ///< v1
  std::string hugetlb;  ///< v1
  std::string unified;  ///< v2
  bool operator==(const CgroupFolders&) const = default;
};

/// The cgroup of a container, from its first process's /proc/<pid>/cgroup and the mounts of our
/// own /proc/self/mountinfo. A process may have moved on into a cgroup below its container's.
/// kNotFound when the process does not belong to the container (its pid has been given to
/// another process) or no hierarchy is mounted.
[[nodiscard]] base::Result<CgroupFolders> ContainerFolders(std::string_view proc_cgroup,
                                                           const std::vector<MountInfo>& mounts,
                                                           std::string_view container_id);

/// The cgroup one level up: of a pod, where kubelet made one for it.
[[nodiscard]] CgroupFolders ParentFolders(const CgroupFolders& folders);

/// The same folders below `root`, for recorded trees.
[[nodiscard]] CgroupFolders Below(const std::string& root, CgroupFolders folders);

}  // namespace dockershimd::shim::linuxos
