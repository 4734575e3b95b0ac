#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/guarded.h"
#include "base/unique_fd.h"
#include "shim/linux/cgroup_folders.h"
#include "shim/linux/small_file.h"

namespace dockershimd::shim::linuxos {

/// A cgroup to be read over and over: its folders are kept open, and from their first read on the
/// files that stats are made of, as the kernel takes most of a read's time to find its way through
/// a cgroup's long path and to open and close the file. Each open file holds about 5 KiB of the
/// kernel's memory, so no more are kept than what 4,096 descriptors in all allow (about 150 pods).
/// Does not keep the cgroup alive. Thread-safe.
class CgroupHandle {
 public:
  using Controller = std::string CgroupFolders::*;

  explicit CgroupHandle(CgroupFolders folders);

  [[nodiscard]] const CgroupFolders& Folders() const { return folders_; }
  [[nodiscard]] bool Has(Controller controller) const { return !(folders_.*controller).empty(); }

  /// The text of one of the controller's files; valid until the reader's next use. Empty when there
  /// is no such file or the cgroup has gone.
  [[nodiscard]] std::string_view Read(SmallFileReader& reader, Controller controller,
                                      std::string_view name) const;

 private:
  struct Folder {
    Controller controller;
    base::UniqueFd fd;
  };
  static constexpr std::size_t kPolledFiles = 14;

  [[nodiscard]] static std::optional<std::size_t> PolledIndex(Controller controller,
                                                              std::string_view name);
  [[nodiscard]] base::UniqueFd Open(Controller controller, std::string_view name) const;

  CgroupFolders folders_;
  std::array<Folder, 4> open_folders_;
  mutable base::Guarded<std::array<base::UniqueFd, kPolledFiles>> open_files_;
};

}  // namespace dockershimd::shim::linuxos
