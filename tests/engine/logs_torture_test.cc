// Containers write numbered lines at full speed while the daemon is killed over and over, logs are
// rotated as kubelet does it, and Docker rotates its own files: every line must be in the CRI files
// once, in order.
//
// DSD_TEST_LOG_TORTURE=full runs 20 containers with 200,000 lines each, mostly short, as logs are;
// "long" 20 containers with 10,000 lines of evenly 0 to 100 KiB, 10 GB in all (200,000 of them
// would be 200 GB). Without it, a short run.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <thread>

#include "base/file.h"
#include "cri_reader.h"
#include "criclient/client.h"
#include "daemon_process.h"
#include "dockerapi/client.h"
#include "log_lines.h"
#include "log_writers.h"
#include "pods.h"

namespace dockershimd::tests {
namespace {

namespace cri_v1 = runtime::v1;
namespace fs = std::filesystem;
using base::CallContext;
using shim::logs::ReadRotated;
using shim::logs::RotatedName;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::chrono::minutes kWritingLimit(8);
constexpr std::streamoff kEndSize = 4 << 20;

struct Plan {
  const char* name;
  int containers;
  std::uint64_t lines;
  int pause_micros;  ///< after every hundred lines
  const char* docker_max_size;
  const char* docker_max_files;
  std::uint64_t sizes = 0;  ///< LOG_EVEN_SIZES or not
};

/// Docker keeps (max-files − 1) × max-size for a daemon that is away: here all that a container
/// writes, so that no machine is too slow.
constexpr Plan kShort = {"short", 8, 10'000, 100'000, "200k", "25"};
/// Here, too, all that a container writes (about 75 MiB): how long a killed daemon is away is the
/// machine's.
constexpr Plan kFull = {"full", 20, 200'000, 0, "2m", "45"};

/// As before, of about 670 MiB.
constexpr Plan kLong = {"long", 20, 10'000, 0, "16m", "50", LOG_EVEN_SIZES};

Plan ChosenPlan() {
  const char* variable = std::getenv("DSD_TEST_LOG_TORTURE");
  const std::string chosen = variable == nullptr ? kShort.name : variable;
  for (const Plan& plan : {kFull, kLong}) {
    if (chosen == plan.name) return plan;
  }
  return kShort;
}

/// The end of a file.
std::string ReadEnd(const fs::path& path, std::streamoff size) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  file.seekg(std::max<std::streamoff>(0, file.tellg() - size));
  return {std::istreambuf_iterator<char>(file), {}};
}

/// One container's log, rotated as kubelet does it.
struct Log {
  std::string id;
  fs::path path;
  std::atomic<int> rotations = 0;
};

class LogTortureTest : public testing::Test {
 protected:
  LogTortureTest()
      : daemon_({std::string("--container-log-max-size=") + plan_.docker_max_size,
                 std::string("--container-log-max-files=") + plan_.docker_max_files}),
        docker_({.socket_path = std::getenv("DSD_TEST_DOCKER_SOCKET")}) {}

  void StartWriters() {
    criclient::Client cri(daemon_.Endpoint());
    ASSERT_TRUE(Pull(cri, kBusybox));
    pod_id_ = RunPod(cri, pod_).value();
    // Of a run before.
    fs::remove_all(pod_.log_directory());
    fs::remove_all(start_);
    fs::create_directories(start_);
    for (int number = 0; number < plan_.containers; ++number) {
      auto config =
          WriterConfig("writer-" + std::to_string(number), SeedOf(static_cast<std::size_t>(number)),
                       plan_.lines, plan_.pause_micros);
      config.add_command("/start/go");
      auto& mount = *config.add_mounts();
      mount.set_host_path(start_);
      mount.set_container_path("/start");
      const auto id = CreateContainer(cri, pod_id_, pod_, config);
      ASSERT_TRUE(id) << id.error().message;
      logs_.emplace_back(*id, fs::path(pod_.log_directory()) / config.log_path());
    }
    for (const auto& log : logs_) {
      const auto started = StartContainer(cri, log.id);
      ASSERT_TRUE(started) << started.error().message;
    }
  }

  [[nodiscard]] std::uint64_t SeedOf(std::size_t container) const {
    return container | plan_.sizes;
  }

  /// Whether the new daemon is ready by then or not. In the end it may live for longer: where a
  /// start takes more than a second, nothing would ever get on.
  void KillEverySecond(const std::stop_token& stop) {
    const auto begin = std::chrono::steady_clock::now();
    auto next = begin;
    while (!stop.stop_requested()) {
      next += next - begin < std::chrono::minutes(3) ? seconds(1) : seconds(5);
      std::this_thread::sleep_until(next);
      daemon_.Kill();
      daemon_.Launch();
      ++kills_;
    }
  }

  /// Between two kills: a daemon that has just begun would refuse all of it.
  void RotateEveryTwoSeconds(const std::stop_token& stop) {
    auto next = std::chrono::steady_clock::now() - milliseconds(400);
    while (!stop.stop_requested()) {
      next += seconds(2);
      std::this_thread::sleep_until(next);
      // A new one: its connection needs no backoff after the daemon's death.
      criclient::Client cri(daemon_.Endpoint());
      for (auto& log : logs_) Rotate(cri, log);
    }
  }

  /// Renamed, and back again if the runtime did not say that it has reopened.
  void Rotate(criclient::Client& cri, Log& log) {
    const auto rotated = RotatedName(log.path, log.rotations + 1);
    std::error_code missing;
    fs::rename(log.path, rotated, missing);
    cri_v1::ReopenContainerLogRequest request;
    request.set_container_id(log.id);
    const auto reopened = cri.Call(&Runtime::ReopenContainerLog, request, seconds(20));
    if (reopened) {
      log.rotations += missing ? 0 : 1;
    } else if (!missing) {
      fs::rename(rotated, log.path);
      ++taken_back_;
    }
  }

  void AwaitWriters() {
    const auto deadline = std::chrono::steady_clock::now() + kWritingLimit;
    for (const auto& log : logs_) {
      while (true) {
        const auto details =
            docker_.InspectContainer(CallContext::WithTimeout(seconds(60)), log.id);
        ASSERT_TRUE(details) << details.error().message;
        if (!details->state.running) {
          EXPECT_EQ(details->state.exit_code, 0);
          break;
        }
        ASSERT_LT(std::chrono::steady_clock::now(), deadline) << "the writers do not end";
        std::this_thread::sleep_for(milliseconds(50));
      }
    }
  }

  /// The last line is in the CRI file or a rotated one, and not always at the very end: dockerd may
  /// write much of the other stream after it.
  bool HasLastLine(const Log& log, std::uint64_t seed) const {
    const std::uint64_t last = plan_.lines - 1;
    const std::string stream = log_line_is_stderr(seed, last) != 0 ? "stderr" : "stdout";
    for (int number = log.rotations + 1; number > 0; --number) {
      const bool is_rotated = number <= log.rotations;
      const auto end = ReadEnd(is_rotated ? RotatedName(log.path, number) : log.path, kEndSize);
      for (const char* tag : {"F", "P"}) {
        if (end.find(fmt::format(" {} {} {} ", stream, tag, last)) != std::string::npos)
          return true;
      }
    }
    return false;
  }

  /// With the daemon killed each second as before.
  void AwaitTails() {
    const auto deadline = std::chrono::steady_clock::now() + kWritingLimit;
    for (std::size_t container = 0; container < logs_.size(); ++container) {
      while (!HasLastLine(logs_[container], SeedOf(container))) {
        ASSERT_LT(std::chrono::steady_clock::now(), deadline)
            << "the log of container " << container
            << " does not get to its end: " << ReadEnd(logs_[container].path, 300);
        std::this_thread::sleep_for(milliseconds(50));
      }
    }
  }

  const Plan plan_ = ChosenPlan();
  DaemonProcess daemon_;
  dockerapi::Client docker_;
  const fs::path start_ = fs::path(std::getenv("DSD_TEST_STATE")) / "torture";
  const cri_v1::PodSandboxConfig pod_ = PodConfig("torture");
  std::string pod_id_;
  std::deque<Log> logs_;
  std::atomic<int> kills_ = 0;
  std::atomic<int> taken_back_ = 0;
};

TEST_F(LogTortureTest, EveryLineOnce) {
  ASSERT_NO_FATAL_FAILURE(StartWriters());
  ASSERT_TRUE(base::WriteFileAtomically(start_ / "go", ""));
  const auto begin = std::chrono::steady_clock::now();
  auto written = begin;
  {
    const std::jthread killer([this](const std::stop_token& stop) { KillEverySecond(stop); });
    const std::jthread rotator(
        [this](const std::stop_token& stop) { RotateEveryTwoSeconds(stop); });
    ASSERT_NO_FATAL_FAILURE(AwaitWriters());
    written = std::chrono::steady_clock::now();
    ASSERT_NO_FATAL_FAILURE(AwaitTails());
  }
  const auto followed = std::chrono::steady_clock::now();
  daemon_.Kill();
  daemon_.Start();
  // The removal must wait for the rest of the logs.
  criclient::Client cri(daemon_.Endpoint());
  const auto removed = RemovePod(cri, pod_id_);
  EXPECT_TRUE(removed) << removed.error().message;
  int rotations = 0;
  std::size_t bytes = 0;
  for (std::size_t container = 0; container < logs_.size(); ++container) {
    const auto& path = logs_[container].path;
    const std::string log = ReadRotated(path);
    EXPECT_EQ(CheckLines(log, SeedOf(container), plan_.lines), "") << path;
    bytes += log.size();
    rotations += logs_[container].rotations;
  }
  std::cout << plan_.name << " log torture: " << plan_.containers << " containers, "
            << plan_.lines * static_cast<std::uint64_t>(plan_.containers) << " lines, "
            << (bytes >> 20) << " MiB of CRI logs, written in "
            << std::chrono::duration_cast<seconds>(written - begin).count() << " s, followed in "
            << std::chrono::duration_cast<seconds>(followed - begin).count() << " s with " << kills_
            << " kills, " << rotations << " rotations by kubelet's way and " << taken_back_
            << " taken back\n";
  EXPECT_GT(kills_, 2);
  EXPECT_GT(rotations + taken_back_, 0);
}

}  // namespace
}  // namespace dockershimd::tests
