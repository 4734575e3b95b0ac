#include "shim/logs/folder_watch.h"

#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>

namespace dockershimd::shim::logs {

FolderWatch::FolderWatch() : fd_(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)) {
  if (!fd_) throw std::system_error(errno, std::generic_category(), "inotify");
}

base::Result<int> FolderWatch::Watch(const std::filesystem::path& folder, Events events) {
  constexpr std::uint32_t kNewFiles = IN_CREATE | IN_MOVED_TO | IN_ONLYDIR;
  const std::uint32_t mask = events == Events::kNewFiles ? kNewFiles : kNewFiles | IN_MODIFY;
  const int watch = ::inotify_add_watch(fd_.Get(), folder.c_str(), mask);
  if (watch >= 0) return watch;
  // The kernel's word for "no more watches" reads "no space left on device".
  if (errno == ENOSPC) {
    return base::Fail(base::Code::kResourceExhausted,
                      "watch {}: fs.inotify.max_user_watches is used up", folder.string());
  }
  return base::Fail(base::ErrnoError(errno, "watch " + folder.string()));
}

void FolderWatch::Remove(int watch) { ::inotify_rm_watch(fd_.Get(), watch); }

bool FolderWatch::Read(const std::function<void(const Event&)>& on_event) {
  bool complete = true;
  // Bounded, should the writers be faster; the rest is there at the next call.
  constexpr int kReads = 16;
  alignas(inotify_event) std::array<char, 65536> buffer;
  for (int reads = 0; reads < kReads; ++reads) {
    const ssize_t count = ::read(fd_.Get(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    for (ssize_t at = 0; at < count;) {
      inotify_event event;
      std::memcpy(&event, buffer.data() + at, sizeof(event));
      const char* name = buffer.data() + at + sizeof(event);
      at += static_cast<ssize_t>(sizeof(event) + event.len);
      if ((event.mask & IN_Q_OVERFLOW) != 0) complete = false;
      if (event.wd < 0 || event.len == 0) continue;
      on_event({event.wd, name, (event.mask & (IN_CREATE | IN_MOVED_TO)) != 0});
    }
  }
  return complete;
}

}  // namespace dockershimd::shim::logs
