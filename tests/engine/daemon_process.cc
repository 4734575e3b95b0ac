#include "daemon_process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <thread>

#include "criclient/client.h"

namespace dockershimd::tests {
namespace {

std::string Environment(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr) throw std::runtime_error(std::string(name) + " is not set");
  return value;
}

bool Answers(const std::string& endpoint) {
  criclient::Client client(endpoint);
  return client
      .Call(&runtime::v1::RuntimeService::StubInterface::ListPodSandbox,
            runtime::v1::ListPodSandboxRequest(), std::chrono::seconds(1))
      .has_value();
}

}  // namespace

DaemonProcess::DaemonProcess(std::vector<std::string> flags) {
  const std::string state = Environment("DSD_TEST_STATE");
  endpoint_ = "unix://" + state + "/daemon-test.sock";
  arguments_ = {Environment("DSD_TEST_BINARY"),
                "--listen=" + endpoint_,
                "--docker=unix://" + Environment("DSD_TEST_DOCKER_SOCKET"),
                "--state-dir=" + state + "/daemon-test",
                "--cni-conf-dir=" + Environment("DSD_TEST_CNI_CONF_DIR"),
                "--cni-bin-dir=" + Environment("DSD_TEST_CNI_BIN_DIR"),
                "--cni-cache-dir=" + Environment("DSD_TEST_CNI_CACHE_DIR")};
  arguments_.insert(arguments_.end(), flags.begin(), flags.end());
  Start();
}

DaemonProcess::~DaemonProcess() {
  if (pid_ > 0) Stop();
}

void DaemonProcess::Start() {
  Launch();
  AwaitAnswer();
}

std::string DaemonProcess::LogFile() { return Environment("DSD_TEST_LOGS") + "/daemon-test.log"; }

void DaemonProcess::Launch() {
  std::vector<char*> argv;
  for (auto& argument : arguments_) argv.push_back(argument.data());
  argv.push_back(nullptr);
  const std::string log = LogFile();
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, log.c_str(),
                                     O_WRONLY | O_CREAT | O_APPEND, 0644);
  const int error = ::posix_spawn(&pid_, argv[0], &actions, nullptr, argv.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (error != 0) throw std::runtime_error("cannot start " + arguments_[0]);
}

void DaemonProcess::AwaitAnswer() const {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (!Answers(endpoint_)) {
    if (std::chrono::steady_clock::now() > deadline)
      throw std::runtime_error("no answer; see " + LogFile());
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

int DaemonProcess::Stop() {
  int status = 0;
  Signal(SIGTERM);
  ::waitpid(pid_, &status, 0);
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/// Never with -1, which is everybody.
void DaemonProcess::Signal(int number) const {
  if (pid_ <= 0) throw std::logic_error("the daemon does not run");
  ::kill(pid_, number);
}

void DaemonProcess::Kill() {
  Signal(SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

ProcessUse DaemonProcess::Use() const {
  const auto folder = std::filesystem::path("/proc") / std::to_string(pid_);
  ProcessUse use;
  std::ifstream status(folder / "status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmRSS:")) use.resident_kib = std::stoul(line.substr(6));
    if (line.starts_with("Threads:")) use.threads = std::stoul(line.substr(8));
  }
  for ([[maybe_unused]] const auto& fd : std::filesystem::directory_iterator(folder / "fd")) {
    ++use.descriptors;
  }
  return use;
}

}  // namespace dockershimd::tests
