#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "compare/report/report.h"

namespace dockershimd::compare {

/// What makes a run fail.
struct Policy {
  bool on_difference = false;  ///< a difference that nothing explains
  bool on_stale = false;       ///< an expectation that nothing met
  double slower = 0;           ///< the right side's p50 over the left's, of any RPC; 0: never
};

/// Reads --fail-on's values: "difference", "stale", "slower:RATIO".
[[nodiscard]] base::Result<Policy> ParsePolicy(const std::vector<std::string>& values);

/// One sentence for each way in which the report breaks the policy.
[[nodiscard]] std::vector<std::string> ViolationsOf(const Policy& policy, const Report& report);

}  // namespace dockershimd::compare
