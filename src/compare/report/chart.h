#pragma once

#include <string>
#include <vector>

#include "compare/report/report.h"

namespace dockershimd::compare {

/// What is the same, explained and unexplained, a bar for each noun of the scenarios, as inline
/// SVG.
[[nodiscard]] std::string ParityChart(const Report& report);

/// p50, p90 and p99 of each RPC on both sides on a logarithmic scale, as inline SVG.
[[nodiscard]] std::string LatencyChart(const std::vector<Latency>& latencies);

}  // namespace dockershimd::compare
