#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "figures.h"

namespace dockershimd::bench {

/// What the project has promised of a figure.
struct Target {
  std::string text;
  /// What was reached, in the terms of `limit`; nothing where the run has no answer.
  std::function<std::optional<double>(const Figures&)> reached;
  double limit = 0;
  bool at_least = false;  ///< the limit is the lowest that will do; else the highest
};

/// Those of a run of all contenders with this many pods.
[[nodiscard]] std::vector<Target> Targets(int pods);
/// Those of a run of the log benchmark.
[[nodiscard]] std::vector<Target> LogTargets();

/// A line each: what was promised, what was reached, and "ok", "MISSED" or "not measured".
[[nodiscard]] std::string TextOf(const std::vector<Target>& targets, const Figures& figures);
[[nodiscard]] nlohmann::json ToJson(const std::vector<Target>& targets, const Figures& figures);

}  // namespace dockershimd::bench
