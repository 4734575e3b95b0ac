#include <fmt/format.h>

#include "compare/report/chart.h"
#include "compare/report/report.h"

namespace dockershimd::compare {
namespace {

constexpr std::string_view kStyle = R"css(
:root { color-scheme: light dark; --ink: #1a1c1f; --soft: #5b626b; --page: #fff; --panel: #f4f5f7;
  --line: #d5d9de; --left: #1f5fbf; --right: #b3540a; --same: #2e7d4f; --known: #8a6d00;
  --open: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8eaed; --soft: #a3abb5; --page: #16181b;
  --panel: #202327; --line: #3a3f46; --left: #8ab4f8; --right: #f2a65a; --same: #7cc79a;
  --known: #e0c25a; --open: #f28b82; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem; max-width: 76rem; background: var(--page);
  color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; margin: 0 0 .5rem; } h2 { font-size: 1.2rem; margin: 2.2rem 0 .6rem; }
p { margin: .3rem 0; max-width: 60rem; } .soft { color: var(--soft); }
nav a { margin-right: 1rem; } a { color: var(--left); }
.tiles { display: flex; flex-wrap: wrap; gap: .8rem; margin: 1rem 0; padding: 0; list-style: none; }
.tiles li { background: var(--panel); border: 1px solid var(--line); border-radius: 6px;
  padding: .6rem 1rem; min-width: 9rem; }
.tiles b { display: block; font-size: 1.5rem; font-weight: 600; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-size: .9rem; }
caption { text-align: left; color: var(--soft); padding: .2rem 0; }
th, td { text-align: left; vertical-align: top; padding: .35rem .6rem;
  border-bottom: 1px solid var(--line); overflow-wrap: anywhere; }
thead th { border-bottom: 2px solid var(--line); } .number { text-align: right;
  font-variant-numeric: tabular-nums; white-space: nowrap; }
code { font: .86em ui-monospace, monospace; white-space: pre-wrap; }
.left { color: var(--left); } .right { color: var(--right); } .same { color: var(--same); }
.known { color: var(--known); } .open { color: var(--open); font-weight: 600; }
details { margin: .5rem 0; } summary { cursor: pointer; }
svg { max-width: 100%; height: auto; display: block; } svg text { fill: var(--ink);
  font: 12px system-ui, sans-serif; } svg .soft { fill: var(--soft); }
svg .line { stroke: var(--line); } svg .left { stroke: var(--left); fill: var(--left); }
svg .right { stroke: var(--right); fill: var(--right); } svg .same { fill: var(--same); }
svg .known { fill: var(--known); } svg .open { fill: var(--open); }
)css";

std::string Code(const std::string& text) { return "<code>" + Escaped(text) + "</code>"; }

std::string Cell(const std::string& html, std::string_view style = "") {
  if (style.empty()) return "<td>" + html + "</td>";
  return fmt::format("<td class=\"{}\">{}</td>", style, html);
}

std::string Number(const std::string& text) { return Cell(text, "number"); }

std::string Why(const std::optional<std::string>& why) {
  return why ? Cell("<span class=\"known\">known:</span> " + Escaped(*why))
             : Cell("unexplained", "open");
}

/// A table that can be scrolled sideways on a small screen. `heads` of numbers begin with '#'.
void BeginTable(const std::string& caption, const std::vector<std::string>& heads,
                std::ostream& out) {
  out << "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"" << Escaped(caption)
      << "\"><table><caption>" << Escaped(caption) << "</caption><thead><tr>";
  for (const auto& head : heads) {
    const bool number = head.starts_with('#');
    out << "<th scope=\"col\"" << (number ? " class=\"number\"" : "") << ">"
        << Escaped(number ? head.substr(1) : head) << "</th>";
  }
  out << "</tr></thead><tbody>\n";
}

void EndTable(std::ostream& out) { out << "</tbody></table></div>\n"; }

void WriteTile(const std::string& figure, const std::string& text, std::string_view style,
               std::ostream& out) {
  out << fmt::format("<li><b class=\"{}\">{}</b>{}</li>\n", style, figure, Escaped(text));
}

void WriteHead(const Report& report, std::ostream& out) {
  out << "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
         "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
         "<title>cri-compare: "
      << Escaped(report.left.runtime + " and " + report.right.runtime) << "</title><style>"
      << kStyle << "</style></head><body><header>\n<h1>What will change for your pods</h1>\n";
  const auto side = [&](const char* name, const SideInfo& info) {
    out << fmt::format("<p><b class=\"{0}\">{0}</b> {1} {2} at {3}</p>\n", name,
                       Escaped(info.runtime), Escaped(info.version), Code(info.address));
  };
  side("left", report.left);
  side("right", report.right);
  out << "<p class=\"soft\">Image " << Code(report.image) << ", " << Escaped(report.started)
      << "</p>\n<nav aria-label=\"parts\"><a href=\"#behaviour\">Behaviour</a>"
         "<a href=\"#values\">Values</a><a href=\"#latency\">Latency</a>"
         "<a href=\"#resources\">Resources</a><a href=\"#scenarios\">Scenarios</a></nav>\n"
         "</header><main>\n";
}

void WriteTiles(const Report& report, std::ostream& out) {
  const auto checks = CheckTotals(report);
  const auto values = ValueTotals(report);
  const auto open = checks.unexplained + values.unexplained;
  out << "<ul class=\"tiles\">\n";
  WriteTile(fmt::format("{} of {}", checks.Same(), checks.compared), "checks are the same", "same",
            out);
  WriteTile(fmt::format("{} of {}", values.Same(), values.compared), "values are the same", "same",
            out);
  WriteTile(std::to_string(checks.explained + values.explained), "differences are known", "known",
            out);
  WriteTile(std::to_string(open), "are unexplained", open == 0 ? "same" : "open", out);
  out << "</ul>\n";
  for (const auto& violation : report.violations) {
    out << "<p class=\"open\">Failed: " << Escaped(violation) << "</p>\n";
  }
  out << ParityChart(report);
}

void WriteBehaviour(const Report& report, std::ostream& out) {
  out << "<h2 id=\"behaviour\">Behaviour that differs</h2>\n";
  const auto checks = DifferentChecks(report);
  if (checks.empty()) {
    out << "<p>None.</p>\n";
    return;
  }
  BeginTable("Checks that do not end in the same way",
             {"Scenario", "Check", "Left", "Right", "Why"}, out);
  const auto seen = [](const Check& check) {
    return Cell(std::string(OutcomeName(check.outcome)) +
                (check.detail.empty() ? "" : "<br>" + Code(check.detail)));
  };
  for (const auto& check : checks) {
    out << "<tr>" << Cell(Escaped(check.scenario)) << Cell(Escaped(check.name)) << seen(check.left)
        << seen(check.right) << Why(check.why) << "</tr>\n";
  }
  EndTable(out);
}

void WriteValues(const Report& report, std::ostream& out) {
  out << "<h2 id=\"values\">Values that differ</h2>\n";
  const auto groups = Grouped(report);
  if (groups.empty()) {
    out << "<p>None.</p>\n";
    return;
  }
  BeginTable("Values that are not the same on both sides",
             {"Value", "Left", "Right", "Where", "Why"}, out);
  for (const auto& [difference, places] : groups) {
    out << "<tr>" << Cell(Code(difference.field)) << Cell(Code(Shown(difference.left)))
        << Cell(Code(Shown(difference.right)));
    std::string where = Escaped(places.front());
    if (places.size() > 1) {
      where += fmt::format("<details><summary>and {} more</summary>", places.size() - 1);
      for (std::size_t i = 1; i < places.size(); ++i) where += Escaped(places[i]) + "<br>";
      where += "</details>";
    }
    out << Cell(where) << Why(difference.why) << "</tr>\n";
  }
  EndTable(out);
}

void WriteLatencies(const Report& report, std::ostream& out) {
  out << "<h2 id=\"latency\">Latency</h2>\n";
  if (report.latencies.empty()) {
    out << "<p>Not measured.</p>\n";
    return;
  }
  out << LatencyChart(report.latencies);
  BeginTable(fmt::format("Milliseconds, {} interleaved rounds; the ratio is right to left, of p50",
                         report.rounds),
             {"RPC", "#n", "#left p50", "#p90", "#p99", "#right p50", "#p90", "#p99", "#ratio"},
             out);
  const auto times = [](const Distribution& side) {
    return Number(fmt::format("{:.2f}", side.p50)) + Number(fmt::format("{:.2f}", side.p90)) +
           Number(fmt::format("{:.2f}", side.p99));
  };
  for (const auto& row : report.latencies) {
    out << "<tr><th scope=\"row\">" << Escaped(row.rpc) << "</th>"
        << Number(std::to_string(row.left.count)) << times(row.left) << times(row.right)
        << Number(fmt::format("{:.2f}", row.Ratio())) << "</tr>\n";
  }
  EndTable(out);
}

void WriteCosts(const Report& report, std::ostream& out) {
  out << "<h2 id=\"resources\">Resources</h2>\n";
  if (report.costs.empty()) {
    out << "<p>Not measured: no process was named.</p>\n";
    return;
  }
  BeginTable(fmt::format("Processes over the {} rounds", report.rounds),
             {"Side", "Process", "#pid", "#CPU ms", "#CPU ms of children that ended", "#RSS MiB"},
             out);
  for (const auto& [side, use] : report.costs) {
    out << "<tr>" << Cell(Escaped(side), side) << Cell(Escaped(use.name))
        << Number(std::to_string(use.pid)) << Number(std::to_string(use.cpu.count()))
        << Number(std::to_string(use.children_cpu.count()))
        << Number(fmt::format("{:.1f}", static_cast<double>(use.resident_kib) / 1024)) << "</tr>\n";
  }
  EndTable(out);
}

void WriteScenarios(const Report& report, std::ostream& out) {
  out << "<h2 id=\"scenarios\">Scenarios</h2>\n";
  const auto mark = [](const Check& check) {
    const auto style = check.outcome == Outcome::kPass ? "same" : "open";
    return Cell(std::string(OutcomeName(check.outcome)), style);
  };
  for (const auto& scenario : report.scenarios) {
    const auto checks = CheckTotals(scenario.comparison);
    const auto values = ValueTotals(scenario.comparison);
    out << fmt::format(
        "<details><summary>{}: {} <span class=\"soft\">({} checks, {} values, {} "
        "different)</span></summary>\n",
        Escaped(scenario.name), Escaped(scenario.about), checks.compared, values.compared,
        checks.compared - checks.Same() + values.compared - values.Same());
    BeginTable("Checks of " + scenario.name, {"Check", "Left", "Right"}, out);
    for (const auto& check : scenario.comparison.checks) {
      out << "<tr>" << Cell(Escaped(check.name)) << mark(check.left) << mark(check.right)
          << "</tr>\n";
    }
    EndTable(out);
    out << "</details>\n";
  }
}

void WriteStale(const Report& report, std::ostream& out) {
  if (report.stale.empty()) return;
  out << "<h2>Expectations that nothing met</h2>\n<ul>\n";
  for (const auto& expectation : report.stale) {
    const auto& what = expectation.field.empty() ? expectation.check : expectation.field;
    out << fmt::format("<li>line {}: {} in {}</li>\n", expectation.line, Code(what),
                       Code(expectation.scenario));
  }
  out << "</ul>\n";
}

}  // namespace

void WriteHtml(const Report& report, std::ostream& out) {
  WriteHead(report, out);
  WriteTiles(report, out);
  WriteBehaviour(report, out);
  WriteValues(report, out);
  WriteLatencies(report, out);
  WriteCosts(report, out);
  WriteStale(report, out);
  WriteScenarios(report, out);
  out << "</main></body></html>\n";
}

}  // namespace dockershimd::compare
