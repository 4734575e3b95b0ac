#include "compare/policy.h"

#include <charconv>

namespace dockershimd::compare {

base::Result<Policy> ParsePolicy(const std::vector<std::string>& values) {
  constexpr std::string_view kSlower = "slower:";
  Policy policy;
  for (const auto& value : values) {
    if (value == "difference") {
      policy.on_difference = true;
      continue;
    }
    if (value == "stale") {
      policy.on_stale = true;
      continue;
    }
    const auto* begin = value.data() + kSlower.size();
    const auto* end = value.data() + value.size();
    const bool is_slower = value.starts_with(kSlower);
    if (!is_slower || std::from_chars(begin, end, policy.slower).ptr != end ||
        !(policy.slower > 0)) {
      return base::Fail(base::Code::kInvalidArgument,
                        "--fail-on {}: must be difference, stale or slower:RATIO, such as "
                        "slower:1.5",
                        value);
    }
  }
  return policy;
}

std::vector<std::string> ViolationsOf(const Policy& policy, const Report& report) {
  std::vector<std::string> violations;
  const auto unexplained = CheckTotals(report).unexplained + ValueTotals(report).unexplained;
  if (policy.on_difference && unexplained > 0) {
    violations.push_back(fmt::format("{} unexplained differences", unexplained));
  }
  if (policy.on_stale && !report.stale.empty()) {
    violations.push_back(fmt::format("{} expectations that nothing met", report.stale.size()));
  }
  for (const auto& row : report.latencies) {
    if (policy.slower > 0 && row.Ratio() > policy.slower) {
      violations.push_back(fmt::format("{} takes {:.2f} times as long on the right, more than {}",
                                       row.rpc, row.Ratio(), policy.slower));
    }
  }
  return violations;
}

}  // namespace dockershimd::compare
