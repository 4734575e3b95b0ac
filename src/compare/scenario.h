#pragma once

#include <span>
#include <string>
#include <vector>

#include "compare/session.h"

namespace dockershimd::compare {

/// The check that each scenario has besides its own: that no call it needs failed.
inline constexpr const char* kRunsToItsEnd = "runs to its end";

/// A small function that uses a runtime as kubelet does and says what it saw. It is run once on
/// each side.
struct Scenario {
  const char* name;   ///< "noun/what", unique
  const char* about;  ///< in a few words, for --list and the reports
  void (*run)(Session& session);
};

/// Runs one scenario and returns what it found; all that it made is gone then.
[[nodiscard]] Findings RunScenario(const Scenario& scenario, Endpoint& endpoint,
                                   const Settings& settings, const std::stop_token& stop);

/// All scenarios in the order in which they are run.
[[nodiscard]] std::vector<Scenario> AllScenarios();

// One file per noun under scenarios/; a new file is named here and in scenario.cc.
[[nodiscard]] std::span<const Scenario> NodeScenarios();
[[nodiscard]] std::span<const Scenario> ImageScenarios();
[[nodiscard]] std::span<const Scenario> LifecycleScenarios();
[[nodiscard]] std::span<const Scenario> EnvironmentScenarios();
[[nodiscard]] std::span<const Scenario> ExecScenarios();
[[nodiscard]] std::span<const Scenario> LogScenarios();
[[nodiscard]] std::span<const Scenario> StatsScenarios();
[[nodiscard]] std::span<const Scenario> NetworkScenarios();
[[nodiscard]] std::span<const Scenario> SecurityScenarios();
[[nodiscard]] std::span<const Scenario> StorageScenarios();
[[nodiscard]] std::span<const Scenario> FailureScenarios();
[[nodiscard]] std::span<const Scenario> RestartScenarios();

}  // namespace dockershimd::compare
