#include "shim/service/image_store.h"

#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>

#include <filesystem>
#include <system_error>

#include "shim/translate/images.h"

namespace dockershimd::shim::service {

stats::StoreLayout ImageStoreOf(const node::EngineFacts& facts) {
  return translate::ImageStoreLayout(facts.info, facts.view.features, [](const std::string& path) {
    std::error_code ignored;
    return std::filesystem::exists(path, ignored);
  });
}

translate::LayerFilesystem FilesystemOf(const std::string& folder) {
  translate::LayerFilesystem filesystem;
  filesystem.device = folder;
  struct stat status{};
  // Without a device of its own (btrfs, overlay) the folder is the best name there is.
  if (::stat(folder.c_str(), &status) == 0 && major(status.st_dev) != 0) {
    filesystem.device =
        linuxos::BlockDeviceName("/sys", major(status.st_dev), minor(status.st_dev));
  }
  struct statvfs size{};
  if (::statvfs(folder.c_str(), &size) != 0) return filesystem;
  filesystem.bytes = size.f_blocks * size.f_frsize;
  filesystem.used_bytes = (size.f_blocks - size.f_bfree) * size.f_frsize;
  filesystem.inodes = size.f_files;
  filesystem.free_inodes = size.f_ffree;
  return filesystem;
}

}  // namespace dockershimd::shim::service
