// Log files, as kubelet reads and rotates them.
#include <algorithm>
#include <filesystem>
#include <sstream>
#include <system_error>

#include "base/time.h"
#include "compare/scenario.h"

namespace dockershimd::compare {
namespace {

/// "<stream> <tag> <text>" of each line; "?" before one that is not in CRI's form.
std::vector<std::string> Untimed(const std::string& log) {
  std::vector<std::string> result;
  std::istringstream lines(log);
  for (std::string line; std::getline(lines, line);) {
    const auto space = line.find(' ');
    const bool timed = base::ParseRfc3339(line.substr(0, space)).has_value();
    result.push_back(timed ? line.substr(space + 1) : "? " + line);
  }
  return result;
}

std::string Joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const auto& line : lines) text += line + "\n";
  return text;
}

void Format(Session& s) {
  const auto pod = s.RunPod(s.PodConfig("format"));
  const auto config = s.Shell(
      "main", "echo one; sleep 0.3; echo two >&2; sleep 0.3; echo; sleep 0.3; printf three");
  (void)s.WaitForEnd(s.Run(pod, config));
  s.Verify("the log is whole soon after the end", s.WaitForLog(pod, config, "three"));
  s.Observe("lines", Joined(Untimed(s.Log(pod, config))));
  auto tty = s.Shell("tty", "echo one; echo two >&2");
  tty.set_tty(true);
  (void)s.WaitForEnd(s.Run(pod, tty));
  s.Verify("a terminal's log too", s.WaitForLog(pod, tty, "two"));
  s.Observe("lines of a terminal", Joined(Untimed(s.Log(pod, tty))));
  auto silent = s.Shell("silent", "true");
  (void)s.WaitForEnd(s.Run(pod, silent));
  const auto path = std::filesystem::path(pod.config.log_directory()) / silent.log_path();
  s.Verify("silence has a log too",
           s.WaitUntil([&] { return std::filesystem::exists(path); }, std::chrono::seconds(5)));
  std::error_code ignored;
  s.Observe("mode of the file",
            std::to_string(static_cast<int>(std::filesystem::status(path, ignored).permissions())));
}

void LongLines(Session& s) {
  const auto pod = s.RunPod(s.PodConfig("long"));
  const auto config = s.Shell("main", "head -c 40000 /dev/zero | tr '\\0' x; echo; echo after");
  (void)s.WaitForEnd(s.Run(pod, config));
  s.Verify("the log is whole soon after the end", s.WaitForLog(pod, config, "after"));
  std::string tags;
  std::size_t bytes = 0;
  std::size_t longest = 0;
  for (const auto& line : Untimed(s.Log(pod, config))) {
    const bool partial = line.starts_with("stdout P ");
    const std::size_t size = line.size() - std::min<std::size_t>(line.size(), 9);
    tags += partial ? 'P' : 'F';
    bytes += size;
    longest = std::max(longest, size);
  }
  s.Verify("no byte is lost or doubled", bytes == 40000 + 5, std::to_string(bytes));
  s.Observe("pieces of a line of 40000 bytes", tags);
  s.Observe("longest piece", std::to_string(longest));
}

/// As kubelet does it: renames the file, asks for a new one.
void Rotation(Session& s) {
  const auto pod = s.RunPod(s.PodConfig("rotation"));
  const auto config = s.Shell(
      "main", "trap 'exit 0' TERM; i=0; while :; do i=$((i+1)); echo line $i; sleep 0.05; done");
  const auto id = s.Run(pod, config);
  s.Verify("it writes", s.WaitForLog(pod, config, "line 3\n"));
  const auto path = std::filesystem::path(pod.config.log_directory()) / config.log_path();
  auto rotated = path;
  rotated += ".rotated";
  std::error_code error;
  std::filesystem::rename(path, rotated, error);
  cri::ReopenContainerLogRequest reopen;
  reopen.set_container_id(id);
  (void)s.Ask("ReopenContainerLog", &Runtime::ReopenContainerLog, reopen);
  s.Verify("it goes on in a new file", s.WaitForLog(pod, config, "line"));
  s.Stop(id);
  auto renamed = config;
  renamed.set_log_path(config.log_path() + ".rotated");
  const auto lines = Untimed(s.Log(pod, renamed) + s.Log(pod, config));
  bool whole = true;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    whole = whole && lines[i] == "stdout F line " + std::to_string(i + 1);
  }
  s.Verify("no line is lost or doubled", whole, std::to_string(lines.size()) + " lines");
  s.ObserveCode("ReopenContainerLog after the end", s.Try(&Runtime::ReopenContainerLog, reopen));
}

constexpr Scenario kScenarios[] = {
    {"logs/format", "streams, empty and unfinished lines, a terminal, silence", Format},
    {"logs/long-lines", "a line that is too long for one record", LongLines},
    {"logs/rotation", "rename and ReopenContainerLog while it writes", Rotation},
};

}  // namespace

std::span<const Scenario> LogScenarios() { return kScenarios; }

}  // namespace dockershimd::compare
