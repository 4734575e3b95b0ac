#include "shim/linux/small_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "base/unique_fd.h"

namespace dockershimd::shim::linuxos {
namespace {

constexpr ssize_t kSurelyWhole = 2048;

}  // namespace

std::string_view SmallFileReader::Read(const std::string& path) {
  const base::UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  return file ? ReadOpen(file.Get()) : std::string_view();
}

std::string_view SmallFileReader::ReadOpen(int file) {
  std::size_t size = 0;
  while (size < buffer_.size()) {
    const ssize_t count =
        ::pread(file, buffer_.data() + size, buffer_.size() - size, static_cast<off_t>(size));
    if (count < 0 && errno == EINTR) continue;
    // ENODEV: the cgroup has gone, perhaps while it was read.
    if (count <= 0) break;
    size += static_cast<std::size_t>(count);
    // The kernel hands these files out by the page: what is well below one was all.
    if (count < kSurelyWhole) break;
  }
  return {buffer_.data(), size};
}

}  // namespace dockershimd::shim::linuxos
