// Container logs through the daemon on a real engine: what goes wrong around them, and the logs of
// containers that other runtimes made.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <thread>

#include "base/file.h"
#include "cri_reader.h"
#include "criclient/client.h"
#include "daemon_process.h"
#include "dockerapi/client.h"
#include "log_writers.h"
#include "pods.h"

namespace dockershimd::tests {
namespace {

namespace cri_v1 = runtime::v1;
namespace fs = std::filesystem;
using base::CallContext;
using base::Code;
using shim::logs::ParseCri;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::uint64_t kLines = 20'000;

/// A file system that is soon full.
class SmallDisk {
 public:
  explicit SmallDisk(fs::path path) : path_(std::move(path)) {
    fs::create_directories(path_);
    if (::mount("tmpfs", path_.c_str(), "tmpfs", 0, "size=512k") != 0) {
      throw std::runtime_error("cannot mount a tmpfs");
    }
  }
  ~SmallDisk() { ::umount2(path_.c_str(), MNT_DETACH); }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  void Enlarge() const {
    EXPECT_EQ(::mount("tmpfs", path_.c_str(), "tmpfs", MS_REMOUNT, "size=64m"), 0);
  }

 private:
  const fs::path path_;
};

class LogsTest : public testing::Test {
 protected:
  LogsTest()
      : cri_(daemon_.Endpoint()), docker_({.socket_path = std::getenv("DSD_TEST_DOCKER_SOCKET")}) {}

  void SetUp() override {
    // Of the test before: kubelet removes a pod's logs, no runtime does. New lines go behind them.
    fs::remove_all(pod_.log_directory());
    const auto pulled = Pull(cri_, kBusybox);
    ASSERT_TRUE(pulled) << pulled.error().message;
    const auto pod_id = RunPod(cri_, pod_);
    ASSERT_TRUE(pod_id) << pod_id.error().message;
    pod_id_ = *pod_id;
  }

  void TearDown() override {
    const auto removed = RemovePod(cri_, pod_id_);
    EXPECT_TRUE(removed) << removed.error().message;
  }

  std::string Create(const cri_v1::ContainerConfig& config) {
    const auto id = CreateContainer(cri_, pod_id_, pod_, config);
    EXPECT_TRUE(id) << id.error().message;
    return id.value_or("");
  }

  std::string Run(const cri_v1::ContainerConfig& config) {
    const std::string id = Create(config);
    const auto started = StartContainer(cri_, id);
    EXPECT_TRUE(started) << started.error().message;
    return id;
  }

  void Remove(const std::string& id) {
    cri_v1::RemoveContainerRequest request;
    request.set_container_id(id);
    const auto removed = cri_.Call(&Runtime::RemoveContainer, request);
    EXPECT_TRUE(removed) << removed.error().message;
  }

  [[nodiscard]] fs::path PathOf(const std::string& name) const {
    return fs::path(pod_.log_directory()) / (name + ".log");
  }
  [[nodiscard]] std::string LogOf(const std::string& name) const {
    return base::ReadFile(PathOf(name)).value_or("");
  }
  [[nodiscard]] std::vector<std::string> Stdout(const std::string& name) const {
    return ParseCri(LogOf(name)).lines["stdout"];
  }

  static CallContext Limit() { return CallContext::WithTimeout(seconds(60)); }

  static void Await(const char* what, const std::function<bool()>& happened) {
    const auto deadline = std::chrono::steady_clock::now() + seconds(60);
    while (!happened()) {
      ASSERT_LT(std::chrono::steady_clock::now(), deadline) << "never: " << what;
      std::this_thread::sleep_for(milliseconds(20));
    }
  }

  bool HasEnded(const std::string& id) {
    const auto status = StatusOf(cri_, id);
    return status && status->state() == cri_v1::ContainerState::CONTAINER_EXITED;
  }

  /// What the daemon has said since the test began.
  [[nodiscard]] std::string DaemonLog() const {
    return base::ReadFile(DaemonLogPath()).value_or("").substr(daemon_log_start_);
  }
  static fs::path DaemonLogPath() {
    return fs::path(std::getenv("DSD_TEST_LOGS")) / "daemon-test.log";
  }

  /// A container as cri-dockerd would have made it in our pod.
  std::string MakeForeign(const std::string& name, const std::string& driver) {
    dockerapi::ContainerSpec spec;
    spec.image = kBusybox;
    spec.command = {"sh", "-c",
                    "trap 'exit 0' TERM; n=0; while :; do echo line $n; n=$((n+1)); "
                    "sleep 0.05; done"};
    spec.labels = {{"io.kubernetes.docker.type", "container"},
                   {"io.kubernetes.sandbox.id", pod_id_},
                   {"io.kubernetes.container.name", name},
                   {"io.kubernetes.pod.name", pod_.metadata().name()},
                   {"io.kubernetes.pod.namespace", pod_.metadata().namespace_()},
                   {"io.kubernetes.pod.uid", pod_.metadata().uid()},
                   {"io.kubernetes.container.logpath", PathOf(name)}};
    spec.host.network_mode = "container:" + pod_id_;
    spec.host.log_driver = driver;
    const auto id = docker_.CreateContainer(
        Limit(), "k8s_" + name + "_logs_tests_" + pod_.metadata().uid() + "_0", spec);
    EXPECT_TRUE(id) << id.error().message;
    return id.value_or("");
  }

  const std::size_t daemon_log_start_ = base::ReadFile(DaemonLogPath()).value_or("").size();
  DaemonProcess daemon_;
  criclient::Client cri_;
  dockerapi::Client docker_;
  const cri_v1::PodSandboxConfig pod_ = PodConfig("logs");
  std::string pod_id_;
};

TEST_F(LogsTest, AFullDiskIsWaitedForEvenOverADaemonsDeath) {
  const SmallDisk disk(pod_.log_directory());
  const std::string id = Run(WriterConfig("writer", 1, kLines));
  Await("its end", [&] { return HasEnded(id); });
  Await("that it says so", [&] { return DaemonLog().contains("No space left on device"); });
  EXPECT_THAT(DaemonLog(), HasSubstr("(writer) cannot be written, trying again"));
  daemon_.Kill();
  daemon_.Start();
  disk.Enlarge();
  Await("the whole log", [&] { return CheckLines(LogOf("writer"), 1, kLines).empty(); });
}

TEST_F(LogsTest, WhatDockerHasRemovedIsWrittenToItsEnd) {
  const SmallDisk disk(pod_.log_directory());
  const std::string id = Run(WriterConfig("writer", 2, kLines));
  Await("its end", [&] { return HasEnded(id); });
  Await("that it says so", [&] { return DaemonLog().contains("No space left on device"); });
  ASSERT_TRUE(docker_.RemoveContainer(Limit(), id, true));
  Await("that it is known", [&] { return !StatusOf(cri_, id); });
  disk.Enlarge();
  Await("the whole log", [&] { return CheckLines(LogOf("writer"), 2, kLines).empty(); });
}

TEST_F(LogsTest, ARemovalWaitsForTheRest) {
  for (std::uint64_t seed = 3; seed < 6; ++seed) {
    const std::string id = Run(WriterConfig("writer", seed, kLines));
    Await("its end", [&] { return HasEnded(id); });
    Remove(id);
    EXPECT_EQ(CheckLines(LogOf("writer"), seed, kLines), "");
    fs::remove(PathOf("writer"));
  }
}

TEST_F(LogsTest, ContainersThatEndAtOnce) {
  std::vector<std::string> names;
  for (int number = 0; number < 10; ++number) {
    names.push_back("short-" + std::to_string(number));
    auto config = SleeperConfig(names.back());
    config.clear_command();
    for (const char* word : {"echo", "said all"}) config.add_command(word);
    (void)Run(config);
  }
  for (const auto& name : names) {
    Await("its line", [&] { return !LogOf(name).empty(); });
    EXPECT_THAT(Stdout(name), ElementsAre("said all"));
  }
}

TEST_F(LogsTest, AContainerThatDockerStartsAgain) {
  const std::string id = Run(SleeperConfig("again"));
  for (std::size_t starts = 1; starts < 4; ++starts) {
    Await("the line of its start", [&] { return Stdout("again").size() >= starts; });
    ASSERT_TRUE(docker_.StopContainer(Limit(), id, seconds(10)));
    ASSERT_TRUE(docker_.StartContainer(Limit(), id));
  }
  Await("the line of its last start", [&] { return Stdout("again").size() >= 4; });
  EXPECT_THAT(Stdout("again"), ElementsAre("up", "up", "up", "up"));
}

TEST_F(LogsTest, ALogThatCannotBeOpenedWhenTheDaemonComesBack) {
  const std::string id = Run(WriterConfig("writer", 7, 2000, 100'000));
  const auto folder = fs::path(pod_.log_directory());
  const auto aside = folder.string() + ".aside";
  daemon_.Kill();
  fs::rename(folder, aside);
  ASSERT_TRUE(base::WriteFileAtomically(folder, "not a folder"));
  daemon_.Start();
  Await("that it says so", [&] { return DaemonLog().contains("(writer) cannot be written"); });
  fs::remove(folder);
  fs::rename(aside, folder);
  Await("the whole log", [&] { return CheckLines(LogOf("writer"), 7, 2000).empty(); });
}

TEST_F(LogsTest, ALinkedLogOfAnotherRuntimeStaysAsItIs) {
  // While the other runtime ruled here.
  daemon_.Kill();
  const std::string id = MakeForeign("foreign", "json-file");
  ASSERT_TRUE(docker_.StartContainer(Limit(), id));
  const fs::path docker_log = docker_.InspectContainer(Limit(), id)->log_path;
  fs::create_directories(PathOf("foreign").parent_path());
  fs::create_symlink(docker_log, PathOf("foreign"));
  daemon_.Start();

  const auto status = StatusOf(cri_, id);
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_EQ(status->state(), cri_v1::ContainerState::CONTAINER_RUNNING);
  EXPECT_EQ(status->log_path(), PathOf("foreign"));
  // Kubelet reads Docker's format too, through the link.
  Await("a line", [&] { return LogOf("foreign").contains("line 3"); });
  EXPECT_TRUE(fs::is_symlink(PathOf("foreign")));
  EXPECT_TRUE(LogOf("foreign").starts_with(R"({"log":"line 0\n","stream":"stdout","time":)"));
  cri_v1::ReopenContainerLogRequest reopen;
  reopen.set_container_id(id);
  const auto reopened = cri_.Call(&Runtime::ReopenContainerLog, reopen);
  ASSERT_FALSE(reopened);
  EXPECT_EQ(reopened.error().code, Code::kFailedPrecondition);

  // The next container of the same pod has a log of its own.
  (void)Run(SleeperConfig("ours"));
  Await("our line", [&] { return !LogOf("ours").empty(); });
  EXPECT_THAT(Stdout("ours"), ElementsAre("up"));
  Remove(id);
  EXPECT_FALSE(fs::exists(fs::symlink_status(PathOf("foreign"))));
}

TEST_F(LogsTest, OtherLogDriversComeThroughTheApi) {
  const std::string id = MakeForeign("foreign", "local");
  daemon_.Kill();
  daemon_.Start();
  ASSERT_TRUE(docker_.StartContainer(Limit(), id));
  for (std::size_t lines = 5; lines < 50; lines += 20) {
    Await("lines", [&] { return Stdout("foreign").size() > lines; });
    daemon_.Kill();
    daemon_.Start();
  }
  EXPECT_THAT(DaemonLog(), HasSubstr("comes through Docker's API"));
  ASSERT_TRUE(docker_.StopContainer(Limit(), id, seconds(10)));
  Await("its end", [&] { return HasEnded(id); });
  Remove(id);
  const auto lines = Stdout("foreign");
  for (std::size_t number = 0; number < lines.size(); ++number) {
    ASSERT_EQ(lines[number], "line " + std::to_string(number)) << LogOf("foreign").substr(0, 400);
  }
}

}  // namespace
}  // namespace dockershimd::tests
