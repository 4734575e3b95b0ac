#include "shim/linux/tree_use.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/unique_fd.h"

namespace dockershimd::shim::linuxos {
namespace {

constexpr int kEntriesPerCheck = 256;
constexpr int kFolderFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
constexpr std::uint64_t kBlockSize = 512;  ///< of st_blocks

using Folder = std::unique_ptr<DIR, decltype([](DIR* folder) { ::closedir(folder); })>;

base::UniqueFd OpenBelow(int root, const std::string& path) {
  open_how how{};
  how.flags = kFolderFlags;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV;
  base::UniqueFd folder(
      static_cast<int>(::syscall(SYS_openat2, root, path.c_str(), &how, sizeof(how))));
  // Kernels before 5.6.
  if (!folder && errno == ENOSYS) folder.Reset(::openat(root, path.c_str(), kFolderFlags));
  return folder;
}

bool IsDots(std::string_view name) { return name == "." || name == ".."; }

class Walk {
 public:
  Walk(base::UniqueFd root, dev_t device, const std::function<bool()>& go_on)
      : root_(std::move(root)), device_(device), go_on_(go_on) {}

  std::optional<TreeUse> Run() {
    pending_.emplace_back(".");
    while (!pending_.empty()) {
      const std::string path = std::move(pending_.back());
      pending_.pop_back();
      if (!Visit(path)) return std::nullopt;
    }
    return use_;
  }

 private:
  /// False when the walk is to end. A folder that cannot be opened has just gone, or is another
  /// file system.
  bool Visit(const std::string& path) {
    auto fd = OpenBelow(root_.Get(), path);
    if (!fd) return true;
    const Folder folder(::fdopendir(fd.Get()));
    if (!folder) return true;
    const int opened = fd.Release();
    while (const dirent* entry = ::readdir(folder.get())) {
      if (IsDots(entry->d_name)) continue;
      Count(opened, path, entry->d_name);
      if (++entries_ % kEntriesPerCheck == 0 && !go_on_()) return false;
    }
    return true;
  }

  void Count(int folder, const std::string& path, const char* name) {
    struct stat status{};
    if (::fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) != 0) return;
    if (status.st_dev != device_) return;
    if (S_ISDIR(status.st_mode)) {
      pending_.push_back(path + "/" + name);
    } else if (status.st_nlink > 1 && !linked_.insert(status.st_ino).second) {
      return;
    }
    use_.bytes += static_cast<std::uint64_t>(status.st_blocks) * kBlockSize;
    ++use_.inodes;
  }

  base::UniqueFd root_;
  dev_t device_;
  const std::function<bool()>& go_on_;
  // Paths, not open folders: a tree may be deeper than there are descriptors.
  std::vector<std::string> pending_;
  std::unordered_set<ino_t> linked_;
  std::uint64_t entries_ = 0;
  TreeUse use_{0, 1};
};

}  // namespace

std::optional<TreeUse> MeasureTree(const std::string& folder, const std::function<bool()>& go_on) {
  base::UniqueFd root(::open(folder.c_str(), kFolderFlags));
  struct stat status{};
  if (!root || ::fstat(root.Get(), &status) != 0) return std::nullopt;
  auto use = Walk(std::move(root), status.st_dev, go_on).Run();
  if (use) use->bytes += static_cast<std::uint64_t>(status.st_blocks) * kBlockSize;
  return use;
}

}  // namespace dockershimd::shim::linuxos
