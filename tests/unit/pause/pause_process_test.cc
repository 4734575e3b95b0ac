#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <thread>

#include "base/file.h"
#include "base/process.h"
#include "base/unique_fd.h"

namespace dockershimd {
namespace {

/// Waits until something is true; false after 20 s.
template <class Predicate>
bool Eventually(Predicate predicate) {
  for (int i = 0; i < 2000; ++i) {
    if (predicate()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

bool Exists(pid_t pid) { return std::filesystem::exists("/proc/" + std::to_string(pid)); }

/// A running pause program with two children of its own, as the first process of a pod gets them.
class Pause {
 public:
  Pause() {
    std::array<int, 2> life{};
    std::array<int, 2> report{};
    EXPECT_EQ(::pipe2(life.data(), O_CLOEXEC), 0);
    EXPECT_EQ(::pipe2(report.data(), O_CLOEXEC), 0);
    life_.Reset(life[1]);
    const base::UniqueFd life_end(life[0]);
    const base::UniqueFd report_end(report[0]);
    base::UniqueFd reporter(report[1]);
    pid_ = ::fork();
    if (pid_ == 0) Become(life[0], life[1], report[1]);
    reporter.Reset();
    EXPECT_EQ(::read(report_end.Get(), children_.data(), sizeof(children_)),
              static_cast<ssize_t>(sizeof(children_)));
    // Before it waits for signals, SIGTERM would end it by itself.
    EXPECT_TRUE(Eventually([this] {
      const auto status = base::ReadFile("/proc/" + std::to_string(pid_) + "/status");
      return status && status->contains("Name:\tpause") && status->contains("State:\tS");
    }));
  }
  ~Pause() {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      (void)Status();
    }
  }
  Pause(const Pause&) = delete;
  Pause& operator=(const Pause&) = delete;

  void EndChildren() { life_.Reset(); }
  [[nodiscard]] const std::array<pid_t, 2>& Children() const { return children_; }
  void Signal(int number) const { ::kill(pid_, number); }
  [[nodiscard]] bool Runs() const { return ::waitpid(pid_, nullptr, WNOHANG) == 0; }

  /// How it ended, as waitpid has it.
  [[nodiscard]] int Status() {
    int status = -1;
    ::waitpid(std::exchange(pid_, -1), &status, 0);
    return status;
  }

 private:
  [[noreturn]] static void Become(int life, int life_writer, int report) {
    std::array<pid_t, 2> children{};
    for (auto& child : children) {
      child = ::fork();
      if (child != 0) continue;
      ::close(life_writer);
      char end = 0;
      (void)!::read(life, &end, 1);
      ::_exit(0);
    }
    (void)!::write(report, children.data(), sizeof(children));
    ::execl(PAUSE_PROGRAM, "pause", nullptr);
    ::_exit(127);
  }

  pid_t pid_ = -1;
  base::UniqueFd life_;
  std::array<pid_t, 2> children_{};
};

TEST(Pause, EndsWhenTold) {
  for (const int number : {SIGTERM, SIGINT}) {
    Pause pause;
    pause.Signal(number);
    const int status = pause.Status();
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << number;
  }
}

TEST(Pause, ReapsWhatIsLeftToIt) {
  Pause pause;
  for (const pid_t child : pause.Children()) EXPECT_TRUE(Exists(child));
  pause.EndChildren();
  for (const pid_t child : pause.Children()) {
    EXPECT_TRUE(Eventually([&] { return !Exists(child); })) << child;
  }
  EXPECT_TRUE(pause.Runs());
}

TEST(Pause, SaysItsVersion) {
  const auto output = base::Run(base::CallContext::WithTimeout(std::chrono::seconds(20)),
                                {{PAUSE_PROGRAM, "-v"}, {}, ""});
  ASSERT_TRUE(output) << output.error().message;
  EXPECT_EQ(output->exit_code, 0);
  EXPECT_THAT(output->standard_output, testing::MatchesRegex("pause [0-9.]+\n"));
}

}  // namespace
}  // namespace dockershimd
