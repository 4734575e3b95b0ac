#include "base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>

namespace dockershimd::base {

Result<UniqueFd> OpenFile(const std::filesystem::path& path, int flags, mode_t mode) {
  while (true) {
    UniqueFd fd(::open(path.c_str(), flags | O_CLOEXEC, mode));
    if (fd) return fd;
    if (errno != EINTR) return Fail(ErrnoError(errno, "open " + path.string()));
  }
}

Result<std::string> ReadFile(const std::filesystem::path& path) {
  auto fd = OpenFile(path, O_RDONLY);
  if (!fd) return Fail(fd.error());
  std::string content;
  std::array<char, 16384> buffer;
  while (true) {
    const ssize_t count = ::read(fd->Get(), buffer.data(), buffer.size());
    if (count == 0) return content;
    if (count > 0) {
      content.append(buffer.data(), static_cast<std::size_t>(count));
    } else if (errno != EINTR) {
      return Fail(ErrnoError(errno, "read " + path.string()));
    }
  }
}

Status WriteAll(int fd, std::string_view content, std::string_view what) {
  while (!content.empty()) {
    const ssize_t count = ::write(fd, content.data(), content.size());
    if (count >= 0) {
      content.remove_prefix(static_cast<std::size_t>(count));
    } else if (errno != EINTR) {
      return Fail(ErrnoError(errno, what));
    }
  }
  return {};
}

Status WriteFileAtomically(const std::filesystem::path& path, std::string_view content,
                           Durability durability, mode_t mode) {
  std::string temporary = path.string() + ".XXXXXX";
  UniqueFd fd(::mkostemp(temporary.data(), O_CLOEXEC));
  if (!fd) return Fail(ErrnoError(errno, "create " + temporary));
  auto written = WriteAll(fd.Get(), content, "write " + temporary);
  const bool sync = durability == Durability::kPowerLoss;
  if (written && (::fchmod(fd.Get(), mode) != 0 || (sync && ::fsync(fd.Get()) != 0))) {
    written = Fail(ErrnoError(errno, "sync " + temporary));
  }
  if (written && ::rename(temporary.c_str(), path.c_str()) != 0) {
    written = Fail(ErrnoError(errno, "rename to " + path.string()));
  }
  if (!written) ::unlink(temporary.c_str());
  return written;
}

Status WriteFileInPlace(const std::filesystem::path& path, std::string_view content) {
  auto fd = OpenFile(path, O_WRONLY | O_TRUNC);
  if (!fd) return Fail(fd.error());
  return WriteAll(fd->Get(), content, "write " + path.string());
}

Status MakeDirectories(const std::filesystem::path& path, mode_t mode) {
  if (path.empty() || path == "/") return {};
  if (::mkdir(path.c_str(), mode) == 0) return {};
  if (errno == ENOENT) {
    if (auto parent = MakeDirectories(path.parent_path(), mode); !parent) return parent;
    if (::mkdir(path.c_str(), mode) == 0) return {};
  }
  std::error_code ignored;
  if (errno == EEXIST && std::filesystem::is_directory(path, ignored)) return {};
  return Fail(ErrnoError(errno, "create folder " + path.string()));
}

}  // namespace dockershimd::base
