#pragma once

#include <ostream>
#include <stop_token>

#include "base/result.h"
#include "compare/options.h"
#include "compare/report/report.h"

namespace dockershimd::compare {

/// Runs the scenarios and the rounds of measurement. Progress goes to `progress`, one line a
/// scenario. An error where a runtime cannot be used at all, or the run was stopped; what was
/// made is removed either way.
[[nodiscard]] base::Result<Report> RunComparison(const Options& options,
                                                 const std::stop_token& stop,
                                                 std::ostream& progress);

}  // namespace dockershimd::compare
