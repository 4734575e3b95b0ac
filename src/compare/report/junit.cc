#include <fmt/format.h>

#include "compare/report/report.h"

namespace dockershimd::compare {
namespace {

std::string Case(const std::string& scenario, const std::string& name, const std::string& failure) {
  const auto head =
      fmt::format("    <testcase classname=\"{}\" name=\"{}\"", Escaped(scenario), Escaped(name));
  if (failure.empty()) return head + "/>\n";
  return head +
         fmt::format("><failure message=\"unexplained difference\">{}</failure></testcase>\n",
                     Escaped(failure));
}

std::string FailureOf(const CheckPair& check) {
  if (!check.Unexplained()) return {};
  return fmt::format("left: {} {}\nright: {} {}", OutcomeName(check.left.outcome),
                     check.left.detail, OutcomeName(check.right.outcome), check.right.detail);
}

std::string FailureOf(const std::vector<Difference>& differences) {
  std::string text;
  for (const auto& difference : differences) {
    if (!difference.Unexplained()) continue;
    text += fmt::format("{}: {}\n  left: {}\n  right: {}\n", difference.moment, difference.field,
                        Shown(difference.left), Shown(difference.right));
  }
  return text;
}

}  // namespace

void WriteJunit(const Report& report, std::ostream& out) {
  out << "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"cri-compare\">\n";
  for (const auto& scenario : report.scenarios) {
    const auto& comparison = scenario.comparison;
    const auto values = FailureOf(comparison.differences);
    out << fmt::format("  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\">\n",
                       Escaped(scenario.name), comparison.checks.size() + 1,
                       CheckTotals(comparison).unexplained + (values.empty() ? 0 : 1));
    for (const auto& check : comparison.checks) {
      out << Case(scenario.name, check.name, FailureOf(check));
    }
    out << Case(scenario.name, "values are the same", values) << "  </testsuite>\n";
  }
  out << fmt::format("  <testsuite name=\"policy\" tests=\"{0}\" failures=\"{0}\">\n",
                     report.violations.size());
  for (const auto& violation : report.violations) out << Case("policy", violation, violation);
  out << "  </testsuite>\n</testsuites>\n";
}

}  // namespace dockershimd::compare
