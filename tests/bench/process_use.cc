#include "process_use.h"

#include <fmt/format.h>
#include <time.h>

#include <fstream>
#include <sstream>
#include <string>

namespace dockershimd::bench {
namespace {

/// What stands after `name` in /proc/PID/status.
std::istringstream StatusField(pid_t pid, const std::string& name) {
  std::ifstream status(fmt::format("/proc/{}/status", pid));
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(name + ":")) return std::istringstream(line.substr(name.size() + 1));
  }
  return {};
}

}  // namespace

MemoryUse MemoryOf(pid_t pid) {
  MemoryUse use;
  StatusField(pid, "VmRSS") >> use.resident;
  StatusField(pid, "RssAnon") >> use.anonymous;
  StatusField(pid, "RssFile") >> use.file;
  return use;
}

std::int64_t CpuNanosOf(pid_t pid) {
  clockid_t clock = 0;
  timespec time{};
  if (::clock_getcpuclockid(pid, &clock) != 0 || ::clock_gettime(clock, &time) != 0) return 0;
  return time.tv_sec * 1'000'000'000LL + time.tv_nsec;
}

pid_t InnerPidOf(pid_t pid) {
  auto numbers = StatusField(pid, "NSpid");
  pid_t inner = 0;
  for (pid_t number = 0; numbers >> number;) inner = number;
  return inner;
}

}  // namespace dockershimd::bench
