#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace dockershimd::shim::linuxos {

/// A line of /proc/<pid>/mountinfo.
struct MountInfo {
  std::string root;         ///< which part of the file system is mounted
  std::string mount_point;  ///< seen from that process's root
  std::string type;         ///< cgroup, cgroup2, overlay, ...
  std::string options;      ///< of the file system, not of the mount
};

/// Lines that are not as proc(5) has them are left out.
[[nodiscard]] std::vector<MountInfo> ParseMountInfo(std::string_view text);

/// Whether a comma-separated list of options has this one.
[[nodiscard]] bool HasOption(std::string_view options, std::string_view option);

/// The folder that an overlay writes to; empty for another file system, for a read-only overlay,
/// and where the path is relative to a folder that nobody knows any more.
[[nodiscard]] std::string OverlayUpperDir(const MountInfo& mount);

/// What OverlayUpperDir says of a process's root.
[[nodiscard]] std::string RootUpperDir(const std::vector<MountInfo>& mounts);

}  // namespace dockershimd::shim::linuxos
