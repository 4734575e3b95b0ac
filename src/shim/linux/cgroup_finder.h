#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/guarded.h"
#include "base/result.h"
#include "shim/linux/cgroup_folders.h"
#include "shim/linux/mount_info.h"

namespace dockershimd::shim::linuxos {

/// Finds the cgroups of running containers. Thread-safe. Where cgroups are mounted is looked up
/// once: it stays so, and a node's mount table has several lines for each of its pods.
class CgroupFinder {
 public:
  /// `root` goes before every path, for recorded trees; the folders are below it.
  explicit CgroupFinder(std::string root = "") : root_(std::move(root)) {}

  /// The cgroup of the container whose process `pid` is; errors as of ContainerFolders.
  [[nodiscard]] base::Result<CgroupFolders> Find(int pid, std::string_view container_id) const;

 private:
  std::string root_;
  mutable base::Guarded<std::vector<MountInfo>> mounts_;
};

}  // namespace dockershimd::shim::linuxos
