#include "shim/linux/mount_table.h"

#include <fcntl.h>
#include <poll.h>

#include <utility>

namespace dockershimd::shim::linuxos {

MountTable::MountTable(const std::string& path)
    : file_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}

bool MountTable::HasChanged() {
  // proc(5): a change makes the open file's poll report POLLERR and POLLPRI, once.
  pollfd watched{file_.Get(), POLLPRI, 0};
  const bool changed = !file_ || ::poll(&watched, 1, 0) != 0;
  return !std::exchange(is_known_, true) || changed;
}

}  // namespace dockershimd::shim::linuxos
