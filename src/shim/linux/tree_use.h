#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace dockershimd::shim::linuxos {

/// What a folder and everything below it take on their file system.
struct TreeUse {
  std::uint64_t bytes = 0;   ///< on disk; holes take none, a file with several names counts once
  std::uint64_t inodes = 0;  ///< the folder itself included
  bool operator==(const TreeUse&) const = default;
  TreeUse& operator+=(const TreeUse& other) {
    bytes += other.bytes;
    inodes += other.inodes;
    return *this;
  }
};

/// Measures without leaving the folder: neither by links, even if they are put there meanwhile,
/// nor into other file systems. `go_on` is asked after every few hundred entries: it may pause, and
/// ends the walk with false. Empty when it did, or when there is no such folder.
[[nodiscard]] std::optional<TreeUse> MeasureTree(const std::string& folder,
                                                 const std::function<bool()>& go_on);

}  // namespace dockershimd::shim::linuxos
