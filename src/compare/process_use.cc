#include "compare/process_use.h"

#include <unistd.h>

#include <charconv>
#include <filesystem>
#include <sstream>

#include "base/file.h"

namespace dockershimd::compare {
namespace {

using base::Fail;
using base::Result;

std::chrono::milliseconds FromTicks(long ticks) {
  return std::chrono::milliseconds(ticks * 1000 / ::sysconf(_SC_CLK_TCK));
}

std::size_t ResidentKib(const std::string& status) {
  std::istringstream lines(status);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("VmRSS:")) return std::stoul(line.substr(6));
  }
  return 0;
}

Result<pid_t> PidOf(const std::string& process) {
  std::string text = process;
  if (process.find('/') != std::string::npos) {
    auto content = base::ReadFile(process);
    if (!content) return Fail(content.error());
    text = std::move(*content);
  }
  pid_t pid = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), pid);
  const bool ended = end == text.data() + text.size() || *end == '\n';
  if (error != std::errc() || !ended || pid <= 0) {
    return Fail(base::Code::kInvalidArgument, "{}: neither a process id nor a file that holds one",
                process);
  }
  return pid;
}

}  // namespace

Result<ProcessUse> UseOf(pid_t pid) {
  const auto folder = std::filesystem::path("/proc") / std::to_string(pid);
  const auto stat = base::ReadFile(folder / "stat");
  if (!stat) return Fail(stat.error());
  const auto status = base::ReadFile(folder / "status");
  if (!status) return Fail(status.error());
  // The name is in parentheses and may hold any character: fields are counted after the last one.
  const auto open = stat->find('(');
  const auto close = stat->rfind(')');
  if (open == std::string::npos || close == std::string::npos) {
    return Fail(base::Code::kInternal, "{}: not in the form of proc(5)",
                (folder / "stat").string());
  }
  std::istringstream fields(stat->substr(close + 1));
  std::string skipped;
  for (int field = 3; field < 14; ++field) fields >> skipped;
  long user = 0;
  long system = 0;
  long children_user = 0;
  long children_system = 0;
  fields >> user >> system >> children_user >> children_system;
  return ProcessUse{pid, stat->substr(open + 1, close - open - 1), FromTicks(user + system),
                    FromTicks(children_user + children_system), ResidentKib(*status)};
}

Result<std::vector<ProcessUse>> UsesOf(const std::vector<std::string>& processes) {
  std::vector<ProcessUse> uses;
  for (const auto& process : processes) {
    auto pid = PidOf(process);
    if (!pid) return Fail(pid.error());
    auto use = UseOf(*pid);
    if (!use) return Fail(use.error(), fmt::format("process {}", process));
    uses.push_back(std::move(*use));
  }
  return uses;
}

std::vector<ProcessCost> CostsOf(const std::string& side, const std::vector<ProcessUse>& before,
                                 const std::vector<ProcessUse>& after) {
  std::vector<ProcessCost> costs;
  for (std::size_t i = 0; i < before.size() && i < after.size(); ++i) {
    auto use = after[i];
    use.cpu -= before[i].cpu;
    use.children_cpu -= before[i].children_cpu;
    costs.push_back({side, use});
  }
  return costs;
}

}  // namespace dockershimd::compare
