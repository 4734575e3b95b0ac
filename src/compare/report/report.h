#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "compare/expectations.h"
#include "compare/findings.h"
#include "compare/latency.h"
#include "compare/process_use.h"

namespace dockershimd::compare {

/// A runtime as it names itself.
struct SideInfo {
  std::string address;
  std::string runtime;
  std::string version;
};

struct ScenarioResult {
  std::string name;
  std::string about;
  Comparison comparison;
};

/// Everything that a run found; the writers below only show it.
struct Report {
  std::string started;  ///< RFC 3339
  SideInfo left;
  SideInfo right;
  std::string image;
  std::vector<ScenarioResult> scenarios;
  int rounds = 0;  ///< of latency measurement
  std::vector<Latency> latencies;
  std::vector<ProcessCost> costs;
  std::vector<Expectation> stale;
  std::vector<std::string> violations;  ///< of the policy that --fail-on gave
};

/// How much is the same.
struct Totals {
  std::size_t compared = 0;
  std::size_t explained = 0;
  std::size_t unexplained = 0;

  [[nodiscard]] std::size_t Same() const { return compared - explained - unexplained; }
};

[[nodiscard]] Totals CheckTotals(const Comparison& comparison);
[[nodiscard]] Totals ValueTotals(const Comparison& comparison);
[[nodiscard]] Totals CheckTotals(const Report& report);
[[nodiscard]] Totals ValueTotals(const Report& report);

/// A difference that shows in the same way in several places is one to the reader.
struct DifferenceGroup {
  Difference difference;
  std::vector<std::string> places;  ///< "scenario: moment"
};
/// Unexplained ones first, each part in the order of the scenarios.
[[nodiscard]] std::vector<DifferenceGroup> Grouped(const Report& report);

/// Checks that are not the same, unexplained ones first.
[[nodiscard]] std::vector<CheckPair> DifferentChecks(const Report& report);

/// For people at a terminal.
void WriteText(const Report& report, std::ostream& out);
/// For programs; docs/cri-compare.md describes it.
void WriteJson(const Report& report, std::ostream& out);
/// For CI: a suite per scenario; what is unexplained fails.
void WriteJunit(const Report& report, std::ostream& out);
/// One file that needs no other.
void WriteHtml(const Report& report, std::ostream& out);

/// Text inside XML or HTML, attributes too. Bytes that neither can hold become U+FFFD.
[[nodiscard]] std::string Escaped(std::string_view text);

}  // namespace dockershimd::compare
