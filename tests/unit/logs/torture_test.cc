// The pipeline is killed at random instants while Docker writes and rotates and kubelet rotates:
// no line may be lost or doubled.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <random>
#include <stdexcept>
#include <thread>

#include "base/file.h"
#include "cri_reader.h"
#include "simulated_docker.h"

namespace dockershimd::shim::logs {
namespace {

namespace fs = std::filesystem;
using std::chrono::microseconds;
using std::chrono::milliseconds;

/// A pipeline_process that runs until killed.
class PipelineProcess {
 public:
  explicit PipelineProcess(const std::vector<std::string>& arguments) {
    std::array<int, 2> input;
    std::array<int, 2> output;
    if (::pipe2(input.data(), O_CLOEXEC) != 0 || ::pipe2(output.data(), O_CLOEXEC) != 0) return;
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, input[0], STDIN_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions, output[1], STDOUT_FILENO);
    std::vector<char*> argv = {const_cast<char*>(LOGS_PIPELINE_PROCESS)};
    for (const auto& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    const int error = ::posix_spawn(&pid_, argv[0], &actions, nullptr, argv.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    // Never to be killed by the pid of a process that was not started: -1 is everybody.
    if (error != 0) throw std::runtime_error("cannot start " LOGS_PIPELINE_PROCESS);
    ::close(input[0]);
    ::close(output[1]);
    to_.Reset(input[1]);
    from_.Reset(output[0]);
  }
  PipelineProcess(const PipelineProcess&) = delete;
  PipelineProcess& operator=(const PipelineProcess&) = delete;
  ~PipelineProcess() {
    Kill();
    ::waitpid(pid_, nullptr, 0);
  }

  void Kill() const { ::kill(pid_, SIGKILL); }

  /// Returns false if it was killed before it answered.
  bool Do(const std::string& command) const {
    if (!base::WriteAll(to_.Get(), command + "\n", "command")) return false;
    std::string answer;
    for (char c = 0; ::read(from_.Get(), &c, 1) == 1 && c != '\n';) answer += c;
    EXPECT_TRUE(answer.empty() || answer == "ok") << answer;
    return answer == "ok";
  }

 private:
  pid_t pid_ = 0;
  base::UniqueFd to_;
  base::UniqueFd from_;
};

class LogTorture : public testing::TestWithParam<int> {
 protected:
  LogTorture() : random_(static_cast<unsigned>(GetParam())) {
    ::signal(SIGPIPE, SIG_IGN);
    std::string pattern = testing::TempDir() + "dockershimd-torture-XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
    fs::create_directory(folder_ / "docker");
    fs::create_directory(folder_ / "pod");
    cri_ = folder_ / "pod/0.log";
  }
  ~LogTorture() override {
    if (!HasFailure()) fs::remove_all(folder_);
  }

  std::vector<std::string> Arguments() const {
    return {folder_ / "state", folder_ / "docker/id-json.log", cri_};
  }

  std::size_t Roll(std::size_t below) { return random_() % below; }

  void WriteSome(SimulatedDocker& docker) {
    for (auto count = Roll(60); count > 0; --count) {
      const std::string stream = Roll(3) == 0 ? "stderr" : "stdout";
      const std::size_t size = Roll(40) == 0 ? Roll(60'000) : Roll(300);
      auto& lines = written_[stream];
      lines.push_back(std::to_string(lines.size()) + "<" + std::string(size, 'x') + "\"");
      docker.WriteLine(stream, lines.back());
      if (Roll(8) == 0) std::this_thread::sleep_for(microseconds(Roll(800)));
    }
  }

  /// As kubelet does it: renamed, and back again if the runtime does not answer.
  void Rotate(const PipelineProcess& process) {
    const auto rotated = RotatedName(cri_, rotations_ + 1);
    std::error_code missing;
    fs::rename(cri_, rotated, missing);
    if (process.Do("reopen")) {
      rotations_ += missing ? 0 : 1;
    } else if (!missing) {
      fs::rename(rotated, cri_);
    }
  }

  void RunUntilKilled(SimulatedDocker& docker) {
    const PipelineProcess process(Arguments());
    std::jthread killer;
    if (Roll(4) != 0) {
      killer = std::jthread([&process, delay = milliseconds(Roll(120))] {
        std::this_thread::sleep_for(delay);
        process.Kill();
      });
    }
    WriteSome(docker);
    for (auto rotations = Roll(3); rotations > 0; --rotations) {
      Rotate(process);
      WriteSome(docker);
    }
  }

  /// Until it has read all, so that Docker need not keep more than it does.
  void CatchUp() {
    const PipelineProcess process(Arguments());
    ASSERT_TRUE(process.Do("finish"));
  }

  void Compare() {
    auto content = ParseCri(ReadRotated(cri_));
    EXPECT_THAT(content.errors, testing::IsEmpty());
    for (const auto& [stream, lines] : written_) {
      const auto& read = content.lines[stream];
      ASSERT_EQ(read.size(), lines.size()) << stream << " in " << folder_;
      for (std::size_t i = 0; i < lines.size(); ++i) {
        ASSERT_EQ(read[i], lines[i]) << stream << " line " << i << " in " << folder_;
      }
    }
  }

  std::mt19937 random_;
  fs::path folder_;
  fs::path cri_;
  std::map<std::string, std::vector<std::string>> written_;
  int rotations_ = 0;
};

TEST_P(LogTorture, KilledAtAnyInstant) {
  SimulatedDocker docker(folder_ / "docker/id-json.log",
                         {.max_size = 10'000 + Roll(60'000), .max_files = 200});
  for (int round = 0; round < 24; ++round) {
    RunUntilKilled(docker);
    if (Roll(6) == 0) CatchUp();
  }
  CatchUp();
  Compare();
}

/// DSD_TEST_TORTURE_SEEDS: how many runs, each with other random numbers.
int SeedCount() {
  const char* count = std::getenv("DSD_TEST_TORTURE_SEEDS");
  return count == nullptr ? 6 : std::atoi(count);
}

INSTANTIATE_TEST_SUITE_P(Seeds, LogTorture, testing::Range(1, SeedCount() + 1));

}  // namespace
}  // namespace dockershimd::shim::logs
