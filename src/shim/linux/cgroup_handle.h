#pragma once

#include <array>
#include <string>
#include <string_view>

#include "base/unique_fd.h"
#include "shim/linux/cgroup_folders.h"
#include "shim/linux/small_file.h"

namespace dockershimd::shim::linuxos {

/// The folders of a cgroup, those that are read often kept open: the kernel takes most of a read's
/// time to find its way through a cgroup's long path. Does not keep the cgroup alive.
class CgroupHandle {
 public:
  using Controller = std::string CgroupFolders::*;

  explicit CgroupHandle(CgroupFolders folders);

  [[nodiscard]] const CgroupFolders& Folders() const { return folders_; }
  [[nodiscard]] bool Has(Controller controller) const { return !(folders_.*controller).empty(); }

  /// The text of one of the controller's files; valid until the reader's next use. Empty when there
  /// is no such file or the cgroup has gone.
  [[nodiscard]] std::string_view Read(SmallFileReader& reader, Controller controller,
                                      const char* name) const;

 private:
  struct Open {
    Controller controller;
    base::UniqueFd folder;
  };

  CgroupFolders folders_;
  std::array<Open, 4> open_;
};

}  // namespace dockershimd::shim::linuxos
