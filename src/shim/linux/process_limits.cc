#include "shim/linux/process_limits.h"

#include <sys/resource.h>

#include <charconv>
#include <cstdint>
#include <string>

#include "base/file.h"

namespace dockershimd::shim::linuxos {

bool HasCapability(int capability) {
  constexpr std::string_view kField = "CapEff:\t";
  const auto status = base::ReadFile("/proc/self/status");
  if (!status) return false;
  const auto at = status->find(kField);
  if (at == std::string::npos) return false;
  std::uint64_t effective = 0;
  const char* const digits = status->data() + at + kField.size();
  std::from_chars(digits, status->data() + status->size(), effective, 16);
  return (effective >> capability & 1) != 0;
}

int OwnOomScoreAdj() {
  const auto text = base::ReadFile("/proc/self/oom_score_adj");
  int score = 0;
  if (text) std::from_chars(text->data(), text->data() + text->size(), score);
  return score;
}

std::uint64_t RaiseOpenFileLimit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
  }
  return OpenFileLimit();
}

std::uint64_t OpenFileLimit() {
  rlimit limit{};
  return ::getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : 0;
}

}  // namespace dockershimd::shim::linuxos
