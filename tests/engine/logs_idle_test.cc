// What the daemon costs while containers run that write nothing, all of it and the log thread.
//
// DSD_TEST_IDLE_CONTAINERS says how many (20); with 500 it takes some minutes and 5 GB of memory.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <thread>

#include "base/file.h"
#include "cri_reader.h"
#include "criclient/client.h"
#include "daemon_process.h"
#include "pods.h"

namespace dockershimd::tests {
namespace {

namespace fs = std::filesystem;
using std::chrono::seconds;

/// Of one pod.
constexpr int kContainers = 50;
/// Longer than files stay open after their last line.
constexpr seconds kSettle(10);

/// CPU time in ms of each thread of a process, by the threads' names.
std::map<std::string, double> CpuOf(pid_t pid) {
  std::map<std::string, double> cpu;
  for (const auto& task : fs::directory_iterator(fmt::format("/proc/{}/task", pid))) {
    std::string name;
    double nanos = 0;
    std::getline(std::ifstream(task.path() / "comm"), name);
    std::ifstream(task.path() / "schedstat") >> nanos;
    cpu[name] += nanos / 1e6;
  }
  return cpu;
}

int ContainersWanted() {
  const char* wanted = std::getenv("DSD_TEST_IDLE_CONTAINERS");
  return wanted == nullptr ? 20 : std::stoi(wanted);
}

class LogsIdleTest : public testing::Test {
 protected:
  LogsIdleTest() : cri_(daemon_.Endpoint()) {}

  void StartPod(int first, int count) {
    const auto pod = PodConfig(fmt::format("idle-{}", first));
    const auto pod_id = RunPod(cri_, pod);
    ASSERT_TRUE(pod_id) << pod_id.error().message;
    pods_.push_back(*pod_id);
    for (int number = first; number < first + count; ++number) {
      auto config = SleeperConfig(fmt::format("idle-{}", number));
      config.clear_command();
      for (const char* word : {"sh", "-c", "echo here; exec sleep 1000000"}) {
        config.add_command(word);
      }
      const auto id = CreateContainer(cri_, *pod_id, pod, config);
      ASSERT_TRUE(id) << id.error().message;
      const auto started = StartContainer(cri_, *id);
      ASSERT_TRUE(started) << started.error().message;
      logs_.push_back(fs::path(pod.log_directory()) / config.log_path());
    }
  }

  DaemonProcess daemon_;
  criclient::Client cri_;
  std::vector<std::string> pods_;
  std::vector<fs::path> logs_;
};

TEST_F(LogsIdleTest, Cost) {
  const auto pulled = Pull(cri_, kBusybox);
  ASSERT_TRUE(pulled) << pulled.error().message;
  const int wanted = ContainersWanted();
  for (int first = 0; first < wanted; first += kContainers) {
    ASSERT_NO_FATAL_FAILURE(StartPod(first, std::min(kContainers, wanted - first)));
  }
  std::this_thread::sleep_for(kSettle);
  for (const auto& log : logs_) {
    const auto content = shim::logs::ParseCri(base::ReadFile(log).value_or(""));
    EXPECT_EQ(content.lines.at("stdout"), std::vector<std::string>{"here"}) << log;
  }
  const auto before = CpuOf(daemon_.Pid());
  const seconds time(wanted >= 100 ? 30 : 5);
  std::this_thread::sleep_for(time);
  double all = 0;
  std::string threads;
  for (const auto& [name, cpu] : CpuOf(daemon_.Pid())) {
    const auto known = before.find(name);
    const double used = (cpu - (known == before.end() ? 0 : known->second)) / time.count();
    all += used;
    threads += fmt::format(" {} {:.3f},", name, used);
  }
  const auto use = daemon_.Use();
  std::cout << fmt::format(
      "{} idle containers, {} s: {:.3f} cpu-ms/s; by thread:{} {} files open\n", wanted,
      time.count(), all, threads, use.descriptors);
  for (const auto& pod : pods_) {
    const auto removed = RemovePod(cri_, pod);
    EXPECT_TRUE(removed) << removed.error().message;
  }
}

}  // namespace
}  // namespace dockershimd::tests
