#include <fmt/format.h>

#include <algorithm>

#include "compare/report/report.h"

namespace dockershimd::compare {
namespace {

constexpr std::size_t kValueWidth = 60;

/// One line of at most `width` bytes; what is cut is shown as "...".
std::string Short(std::string text, std::size_t width) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  if (text.size() <= width) return text;
  // Not within a character of several bytes.
  std::size_t end = width - 3;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return text.substr(0, end) + "...";
}

void WriteSide(const char* name, const SideInfo& side, std::ostream& out) {
  out << fmt::format("{:<6} {} {} at {}\n", name, side.runtime, side.version, side.address);
}

void WriteTotals(const char* what, const Totals& totals, std::ostream& out) {
  out << fmt::format("{:<10} {:>5} compared, {:>5} the same, {:>4} explained, {:>4} unexplained\n",
                     what, totals.compared, totals.Same(), totals.explained, totals.unexplained);
}

void WriteScenarios(const Report& report, std::ostream& out) {
  out << fmt::format("\n{:<34} {:>7} {:>7} {:>10} {:>12}\n", "scenario", "checks", "values",
                     "explained", "unexplained");
  for (const auto& scenario : report.scenarios) {
    const auto checks = CheckTotals(scenario.comparison);
    const auto values = ValueTotals(scenario.comparison);
    out << fmt::format("{:<34} {:>7} {:>7} {:>10} {:>12}\n", scenario.name, checks.compared,
                       values.compared, checks.explained + values.explained,
                       checks.unexplained + values.unexplained);
  }
}

void WriteChecks(const Report& report, std::ostream& out) {
  const auto checks = DifferentChecks(report);
  if (!checks.empty()) out << "\nbehaviour that differs\n";
  for (const auto& check : checks) {
    out << fmt::format("  {}: {}\n", check.scenario, check.name);
    const auto line = [&](const char* side, const Check& seen) {
      out << fmt::format("      {:<6} {}{}\n", side, OutcomeName(seen.outcome),
                         seen.detail.empty() ? "" : ": " + Short(seen.detail, 160));
    };
    line("left", check.left);
    line("right", check.right);
    out << "      " << (check.why ? "why    " + *check.why : "UNEXPLAINED") << "\n";
  }
}

void WriteFailedOnBoth(const Report& report, std::ostream& out) {
  bool first = true;
  for (const auto& scenario : report.scenarios) {
    for (const auto& check : scenario.comparison.checks) {
      if (check.left.outcome == Outcome::kPass || check.right.outcome == Outcome::kPass) continue;
      if (first) out << "\nchecks that pass on neither side\n";
      first = false;
      out << fmt::format("  {}: {}\n      left   {}\n      right  {}\n", check.scenario, check.name,
                         Short(check.left.detail, 160), Short(check.right.detail, 160));
    }
  }
}

void WriteDifferences(const Report& report, std::ostream& out) {
  const auto groups = Grouped(report);
  if (!groups.empty()) out << "\nvalues that differ\n";
  for (const auto& group : groups) {
    const auto& difference = group.difference;
    out << fmt::format("  {}\n", difference.field);
    out << fmt::format("      left   {}\n      right  {}\n",
                       Short(Shown(difference.left), kValueWidth * 2),
                       Short(Shown(difference.right), kValueWidth * 2));
    out << fmt::format(
        "      in     {}{}\n", group.places.front(),
        group.places.size() > 1 ? fmt::format(" and {} more", group.places.size() - 1) : "");
    out << "      " << (difference.why ? "why    " + *difference.why : "UNEXPLAINED") << "\n";
  }
}

void WriteLatencies(const Report& report, std::ostream& out) {
  if (report.latencies.empty()) return;
  out << fmt::format(
      "\nlatency in ms, {} rounds\n{:<22} {:>5} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9} {:>7}\n",
      report.rounds, "", "n", "left p50", "p90", "p99", "right p50", "p90", "p99", "ratio");
  for (const auto& row : report.latencies) {
    out << fmt::format(
        "{:<22} {:>5} {:>9.2f} {:>9.2f} {:>9.2f} {:>9.2f} {:>9.2f} {:>9.2f} {:>7.2f}\n", row.rpc,
        row.left.count, row.left.p50, row.left.p90, row.left.p99, row.right.p50, row.right.p90,
        row.right.p99, row.Ratio());
  }
}

void WriteCosts(const Report& report, std::ostream& out) {
  if (report.costs.empty()) return;
  out << fmt::format("\nresources over the {} rounds\n{:<6} {:>8} {:<16} {:>10} {:>16} {:>10}\n",
                     report.rounds, "side", "pid", "process", "CPU ms", "children CPU ms",
                     "RSS MiB");
  for (const auto& cost : report.costs) {
    out << fmt::format("{:<6} {:>8} {:<16} {:>10} {:>16} {:>10.1f}\n", cost.side, cost.use.pid,
                       cost.use.name, cost.use.cpu.count(), cost.use.children_cpu.count(),
                       static_cast<double>(cost.use.resident_kib) / 1024);
  }
}

void WriteStale(const Report& report, std::ostream& out) {
  if (!report.stale.empty()) out << "\nexpectations that nothing met: delete or correct them\n";
  for (const auto& expectation : report.stale) {
    out << fmt::format(
        "  line {}: {} {} in {}\n", expectation.line, expectation.field.empty() ? "check" : "field",
        expectation.field.empty() ? expectation.check : expectation.field, expectation.scenario);
  }
}

}  // namespace

void WriteText(const Report& report, std::ostream& out) {
  WriteSide("left", report.left, out);
  WriteSide("right", report.right, out);
  out << fmt::format("image  {}\n", report.image);
  WriteScenarios(report, out);
  WriteChecks(report, out);
  WriteFailedOnBoth(report, out);
  WriteDifferences(report, out);
  WriteLatencies(report, out);
  WriteCosts(report, out);
  WriteStale(report, out);
  out << "\n";
  WriteTotals("behaviour", CheckTotals(report), out);
  WriteTotals("values", ValueTotals(report), out);
  for (const auto& violation : report.violations) out << "FAILED: " << violation << "\n";
}

}  // namespace dockershimd::compare
