// What the daemon tells systemd, over a socket that plays its part.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "base/process.h"
#include "base/unique_fd.h"

namespace dockershimd::shim {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

constexpr int kPatienceMilliseconds = 60'000;

/// A daemon without a Docker to serve from, in a folder of its own.
class Notify : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "notify.XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    fs::permissions(folder_, fs::perms::owner_all);
    socket_.Reset(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    (folder_ / "notify").string().copy(address.sun_path, sizeof(address.sun_path) - 1);
    ASSERT_EQ(::bind(socket_.Get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  }

  void TearDown() override {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
    fs::remove_all(folder_);
  }

  void Start() {
    std::vector<std::string> arguments = {DAEMON,
                                          "--config",
                                          (folder_ / "config.toml").string(),
                                          "--listen",
                                          (folder_ / "cri.sock").string(),
                                          "--docker",
                                          (folder_ / "docker.sock").string(),
                                          "--state-dir",
                                          (folder_ / "state").string(),
                                          "--cni-cache-dir",
                                          (folder_ / "cni").string()};
    // The sanitizers' options too. The first of a name counts.
    auto environment = base::OwnEnvironment();
    environment.insert(environment.begin(),
                       {"NOTIFY_SOCKET=" + (folder_ / "notify").string(), "WATCHDOG_USEC=200000"});
    std::ofstream(arguments[2]).close();
    const auto pointers = [](std::vector<std::string>& texts) {
      std::vector<char*> all;
      for (auto& text : texts) all.push_back(text.data());
      all.push_back(nullptr);
      return all;
    };
    ASSERT_EQ(::posix_spawn(&pid_, DAEMON, nullptr, nullptr, pointers(arguments).data(),
                            pointers(environment).data()),
              0);
  }

  /// The next message that is not just the watchdog's, or that is.
  std::string Next(bool watchdog = false) {
    const auto deadline =
        std::chrono::steady_clock::now() + std::chrono::milliseconds(kPatienceMilliseconds);
    while (std::chrono::steady_clock::now() < deadline) {
      pollfd waiting{socket_.Get(), POLLIN, 0};
      if (::poll(&waiting, 1, kPatienceMilliseconds) <= 0) break;
      std::string message(4096, '\0');
      const auto size = ::recv(socket_.Get(), message.data(), message.size(), 0);
      message.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
      if ((message == "WATCHDOG=1") == watchdog) return message;
    }
    return "(nothing came)";
  }

  fs::path folder_;
  base::UniqueFd socket_;
  pid_t pid_ = -1;
};

TEST_F(Notify, FromStartToEnd) {
  Start();
  EXPECT_EQ(Next(), "READY=1");
  EXPECT_EQ(Next(true), "WATCHDOG=1");
  EXPECT_EQ(Next(true), "WATCHDOG=1");
  ::kill(pid_, SIGHUP);
  EXPECT_THAT(Next(), AllOf(HasSubstr("RELOADING=1\n"), HasSubstr("MONOTONIC_USEC=")));
  EXPECT_EQ(Next(), "READY=1");
  ::kill(pid_, SIGTERM);
  EXPECT_EQ(Next(), "STOPPING=1");
  int status = 0;
  ASSERT_EQ(::waitpid(pid_, &status, 0), pid_);
  pid_ = -1;
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

}  // namespace
}  // namespace dockershimd::shim
