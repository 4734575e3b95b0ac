#include "shim/linux/namespace_pins.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mount.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "base/file.h"

namespace dockershimd::shim::linuxos {
namespace {

using base::ErrnoError;
using base::Fail;
using base::Result;

bool IsNamespace(const std::filesystem::path& path) {
  struct statfs about{};
  return ::statfs(path.c_str(), &about) == 0 && about.f_type == NSFS_MAGIC;
}

}  // namespace

Result<std::string> NamespacePins::Pin(const std::string& name,
                                       const std::string& netns_path) const {
  // Of anything else a bind mount would keep something else alive.
  if (!IsNamespace(netns_path)) {
    return Fail(base::Code::kNotFound, "network namespace {}: it is gone", netns_path);
  }
  if (auto released = Release(name); !released) return Fail(released.error());
  if (auto made = base::MakeDirectories(folder_, 0700); !made) return Fail(made.error());
  const auto pin = folder_ / name;
  if (auto file = base::OpenFile(pin, O_RDONLY | O_CREAT | O_EXCL, 0400); !file) {
    return Fail(file.error());
  }
  if (::mount(netns_path.c_str(), pin.c_str(), nullptr, MS_BIND, nullptr) != 0) {
    const int error = errno;
    ::unlink(pin.c_str());
    return Fail(ErrnoError(error, "keep network namespace " + netns_path));
  }
  return pin.string();
}

std::string NamespacePins::Find(const std::string& name) const {
  const auto pin = folder_ / name;
  return IsNamespace(pin) ? pin.string() : std::string();
}

base::Status NamespacePins::Release(const std::string& name) const {
  const auto pin = folder_ / name;
  // Once for each mount: another's may have come on top. EINVAL: none is left.
  while (::umount2(pin.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) == 0) {
  }
  if (errno != EINVAL && errno != ENOENT) {
    return Fail(ErrnoError(errno, "release network namespace " + pin.string()));
  }
  if (::unlink(pin.c_str()) != 0 && errno != ENOENT) {
    return Fail(ErrnoError(errno, "remove " + pin.string()));
  }
  return {};
}

std::vector<std::string> NamespacePins::Names() const {
  std::vector<std::string> names;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(folder_, error), end; !error && entry != end;
       entry.increment(error)) {
    names.push_back(entry->path().filename().string());
  }
  return names;
}

}  // namespace dockershimd::shim::linuxos
