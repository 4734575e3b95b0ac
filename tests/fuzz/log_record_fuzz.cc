// Whatever stands in Docker's log files: it becomes whole CRI lines, the same ones that a complete
// JSON parser makes of it, or is refused without a trace.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "shim/logs/record.h"

namespace logs = dockershimd::shim::logs;

namespace {

/// "<time> <stdout|stderr> <P|F> <text>\n", any number of them.
bool AreCriLines(std::string_view lines) {
  while (!lines.empty()) {
    const auto newline = lines.find('\n');
    if (newline == std::string_view::npos) return false;
    const auto line = lines.substr(0, newline);
    const auto space = line.find(' ');
    if (space == std::string_view::npos) return false;
    const auto rest = line.substr(space + 1);
    if (!rest.starts_with("stdout ") && !rest.starts_with("stderr ")) return false;
    const auto tag = rest.substr(7, 2);
    if (tag != "P " && tag != "F ") return false;
    lines.remove_prefix(newline + 1);
  }
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view record(reinterpret_cast<const char*>(data), size);
  // A line of Docker's file has no newline inside.
  if (record.find('\n') != std::string_view::npos) return 0;
  const std::string before = "2026-01-01T00:00:00Z stdout F before\n";
  std::string fast = before;
  // Without its newline it is not whole.
  if (logs::AppendRecord(record, fast) != 0 || fast != before) std::abort();
  // A vector: reading beyond its last byte is noticed.
  std::vector<char> bytes(record.begin(), record.end());
  bytes.push_back('\n');
  const auto taken = logs::AppendRecord({bytes.data(), bytes.size()}, fast);
  if (taken != 0 && taken != bytes.size()) std::abort();
  if (!fast.starts_with(before)) std::abort();
  if (taken == 0 && fast != before) std::abort();
  if (!AreCriLines(fast)) std::abort();
  (void)logs::TimeOfLine(std::string_view(fast).substr(before.size()));
  // Where the parser reads it too, both say the same.
  std::string slow = before;
  const bool read = logs::AppendUnusualRecord(record, slow);
  if (!AreCriLines(slow)) std::abort();
  if (read && taken != 0 && slow != fast) std::abort();
  return 0;
}
