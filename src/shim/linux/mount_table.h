#pragma once

#include <string>

#include "base/unique_fd.h"

namespace dockershimd::shim::linuxos {

/// Tells whether a process's mount table has changed, for one system call: the kernel takes
/// milliseconds to write out the mounts of a node full of pods.
class MountTable {
 public:
  /// `path`: a process's mountinfo.
  explicit MountTable(const std::string& path);

  /// True at first, when the table has changed since the last call, and where it cannot be opened.
  [[nodiscard]] bool HasChanged();

 private:
  base::UniqueFd file_;
  bool is_known_ = false;
};

}  // namespace dockershimd::shim::linuxos
