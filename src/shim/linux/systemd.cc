#include "shim/linux/systemd.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "shim/linux/text_fields.h"

namespace dockershimd::shim::linuxos {
namespace {

/// The first of the descriptors that are handed over.
constexpr int kFirstFd = 3;

template <class Number>
Number EnvironmentNumber(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? 0 : ParseNumber<Number>(value).value_or(0);
}

bool IsListeningUnixSocket(int fd) {
  const auto option = [fd](int name) {
    int value = 0;
    socklen_t size = sizeof(value);
    return ::getsockopt(fd, SOL_SOCKET, name, &value, &size) == 0 ? value : -1;
  };
  return option(SO_DOMAIN) == AF_UNIX && option(SO_TYPE) == SOCK_STREAM &&
         option(SO_ACCEPTCONN) == 1;
}

}  // namespace

void NotifyServiceManager(std::string_view message) {
  const char* path = std::getenv("NOTIFY_SOCKET");
  sockaddr_un address{};
  if (path == nullptr || (path[0] != '/' && path[0] != '@')) return;
  const std::size_t length = std::strlen(path);
  if (length >= sizeof(address.sun_path)) return;
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path, length);
  // "@" stands for the abstract namespace.
  if (path[0] == '@') address.sun_path[0] = '\0';
  const base::UniqueFd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ::sendto(socket.Get(), message.data(), message.size(), MSG_NOSIGNAL,
           reinterpret_cast<const sockaddr*>(&address),
           static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + length));
}

std::chrono::microseconds WatchdogPeriod() {
  const auto pid = EnvironmentNumber<pid_t>("WATCHDOG_PID");
  if (pid != 0 && pid != ::getpid()) return {};
  return std::chrono::microseconds(EnvironmentNumber<std::uint32_t>("WATCHDOG_USEC"));
}

base::UniqueFd SocketFromServiceManager() {
  const bool is_ours = EnvironmentNumber<pid_t>("LISTEN_PID") == ::getpid();
  const int count = is_ours ? EnvironmentNumber<int>("LISTEN_FDS") : 0;
  for (const char* name : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"}) ::unsetenv(name);
  for (int fd = kFirstFd; fd < kFirstFd + count; ++fd) ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  for (int fd = kFirstFd; fd < kFirstFd + count; ++fd) {
    if (IsListeningUnixSocket(fd)) return base::UniqueFd(fd);
  }
  return {};
}

}  // namespace dockershimd::shim::linuxos
