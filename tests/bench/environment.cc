#include "environment.h"

#include <fmt/format.h>

#include <fstream>
#include <stdexcept>
#include <system_error>

namespace dockershimd::bench {
namespace {

namespace fs = std::filesystem;

std::string FirstLine(const fs::path& file) {
  std::string line;
  std::ifstream input(file);
  std::getline(input, line);
  return line;
}

std::string PidNamespace(pid_t pid) {
  std::error_code gone;
  return fs::read_symlink(fmt::format("/proc/{}/ns/pid", pid), gone);
}

}  // namespace

Environment::Environment(pid_t init, fs::path state) : init_(init), state_(std::move(state)) {
  const auto inner = std::stoi("0" + FirstLine(state_ / "pids" / "runtime"));
  for (const auto& process : Processes()) {
    if (InnerPidOf(process.pid) == inner) daemon_ = process.pid;
  }
  if (daemon_ == 0) throw std::runtime_error("no CRI daemon runs in " + state_.string());
}

fs::path Environment::Inside(const std::string& path) const {
  return fmt::format("/proc/{}/root{}", init_, path);
}

std::vector<Environment::Process> Environment::Processes() const {
  // Containers have PID namespaces of their own: what remains are the daemons.
  const auto ours = PidNamespace(init_);
  std::vector<Process> processes;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    const pid_t pid = std::stoi(name);
    if (PidNamespace(pid) == ours) processes.push_back({pid, FirstLine(entry.path() / "comm")});
  }
  return processes;
}

CpuUse Environment::Cpu() const {
  CpuUse use;
  for (const auto& process : Processes()) {
    if (process.pid == daemon_ || process.name == "log_plugin") {
      use.daemon += CpuNanosOf(process.pid);
    } else if (process.name == "dockerd" || process.name == "containerd") {
      use.engine += CpuNanosOf(process.pid);
    } else if (process.name.starts_with("containerd-shim")) {
      use.shims += CpuNanosOf(process.pid);
    }
  }
  return use;
}

void Environment::RemoveCgroup(const std::string& path) const {
  for (const auto& hierarchy : fs::directory_iterator(Inside("/sys/fs/cgroup"))) {
    std::error_code not_there;
    fs::remove(hierarchy.path() / path, not_there);
  }
  std::error_code not_there;
  fs::remove(Inside("/sys/fs/cgroup/" + path), not_there);
}

}  // namespace dockershimd::bench
