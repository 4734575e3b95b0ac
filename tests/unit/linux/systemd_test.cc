#include "shim/linux/systemd.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <string>

namespace dockershimd::shim::linuxos {
namespace {

class SystemdTest : public testing::Test {
 protected:
  SystemdTest() {
    std::string name = std::filesystem::temp_directory_path() / "systemd.XXXXXX";
    folder_ = ::mkdtemp(name.data());
  }
  ~SystemdTest() override {
    for (const char* name :
         {"NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC", "LISTEN_PID", "LISTEN_FDS"}) {
      ::unsetenv(name);
    }
    std::filesystem::remove_all(folder_);
  }

  /// A Unix socket bound to a name; "@" before it: in the abstract namespace.
  static base::UniqueFd Bound(int type, const std::string& path) {
    base::UniqueFd socket(::socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    if (path[0] == '@') address.sun_path[0] = '\0';
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
    EXPECT_EQ(::bind(socket.Get(), reinterpret_cast<const sockaddr*>(&address), size), 0);
    return socket;
  }
  static std::string Received(const base::UniqueFd& socket) {
    std::array<char, 64> buffer;
    const auto count = ::recv(socket.Get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    return count < 0 ? "nothing" : std::string(buffer.data(), static_cast<std::size_t>(count));
  }

  std::filesystem::path folder_;
};

TEST_F(SystemdTest, MessagesReachTheManager) {
  for (const std::string& path :
       {(folder_ / "notify").string(), "@notify-" + folder_.filename().string()}) {
    const auto manager = Bound(SOCK_DGRAM, path);
    ::setenv("NOTIFY_SOCKET", path.c_str(), 1);
    NotifyServiceManager("READY=1");
    EXPECT_EQ(Received(manager), "READY=1") << path;
  }
}

TEST_F(SystemdTest, WithoutAManagerNothingHappens) {
  NotifyServiceManager("READY=1");
  ::setenv("NOTIFY_SOCKET", "relative", 1);
  NotifyServiceManager("READY=1");
  ::setenv("NOTIFY_SOCKET", std::string(200, '/').c_str(), 1);
  NotifyServiceManager("READY=1");
  EXPECT_EQ(WatchdogPeriod().count(), 0);
  EXPECT_FALSE(SocketFromServiceManager());
}

TEST_F(SystemdTest, TheWatchdogIsForOneProcess) {
  ::setenv("WATCHDOG_USEC", "30000000", 1);
  EXPECT_EQ(WatchdogPeriod(), std::chrono::seconds(30));
  ::setenv("WATCHDOG_PID", "1", 1);
  EXPECT_EQ(WatchdogPeriod().count(), 0);
  ::setenv("WATCHDOG_PID", std::to_string(::getpid()).c_str(), 1);
  EXPECT_EQ(WatchdogPeriod(), std::chrono::seconds(30));
  ::setenv("WATCHDOG_USEC", "soon", 1);
  EXPECT_EQ(WatchdogPeriod().count(), 0);
}

/// In a child, whose descriptors from 3 on are ours to choose.
template <class Check>
bool InChild(Check check) {
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(check() ? 0 : 1);
  int status = 0;
  ::waitpid(pid, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

TEST_F(SystemdTest, TheFirstListeningSocketIsTaken) {
  const auto datagram = Bound(SOCK_DGRAM, (folder_ / "datagram").string());
  const auto idle = Bound(SOCK_STREAM, (folder_ / "idle").string());
  const auto listening = Bound(SOCK_STREAM, (folder_ / "listening").string());
  ASSERT_EQ(::listen(listening.Get(), 1), 0);
  const auto handed_over = [&](const std::string& pid) {
    return InChild([&] {
      // Out of the way first: they may be 3 to 5 themselves.
      const std::array<int, 3> from = {::fcntl(datagram.Get(), F_DUPFD, 100),
                                       ::fcntl(idle.Get(), F_DUPFD, 100),
                                       ::fcntl(listening.Get(), F_DUPFD, 100)};
      for (int i = 0; i < 3; ++i) ::dup2(from[static_cast<std::size_t>(i)], 3 + i);
      ::setenv("LISTEN_PID", (pid.empty() ? std::to_string(::getpid()) : pid).c_str(), 1);
      ::setenv("LISTEN_FDS", "3", 1);
      const auto socket = SocketFromServiceManager();
      return socket.Get() == 5 && ::getenv("LISTEN_FDS") == nullptr &&
             (::fcntl(5, F_GETFD) & FD_CLOEXEC) != 0;
    });
  };
  EXPECT_TRUE(handed_over(""));
  EXPECT_FALSE(handed_over("1")) << "meant for another process";
}

}  // namespace
}  // namespace dockershimd::shim::linuxos
