#include <nlohmann/json.hpp>

#include "compare/report/report.h"

namespace dockershimd::compare {
namespace {

using Json = nlohmann::ordered_json;

Json OrNull(const std::optional<std::string>& text) { return text ? Json(*text) : Json(nullptr); }

Json ToJson(const SideInfo& side) {
  return {{"address", side.address}, {"runtime", side.runtime}, {"version", side.version}};
}

Json ToJson(const Totals& totals) {
  return {{"compared", totals.compared},
          {"same", totals.Same()},
          {"explained", totals.explained},
          {"unexplained", totals.unexplained}};
}

Json ToJson(const Check& check) {
  return {{"outcome", OutcomeName(check.outcome)}, {"detail", check.detail}};
}

Json ToJson(const ScenarioResult& scenario) {
  Json checks = Json::array();
  for (const auto& check : scenario.comparison.checks) {
    checks.push_back({{"name", check.name},
                      {"same", check.Same()},
                      {"left", ToJson(check.left)},
                      {"right", ToJson(check.right)},
                      {"why", OrNull(check.why)}});
  }
  Json differences = Json::array();
  for (const auto& difference : scenario.comparison.differences) {
    differences.push_back({{"moment", difference.moment},
                           {"field", difference.field},
                           {"left", OrNull(difference.left)},
                           {"right", OrNull(difference.right)},
                           {"why", OrNull(difference.why)}});
  }
  return {{"name", scenario.name},
          {"about", scenario.about},
          {"values_compared", scenario.comparison.values_compared},
          {"checks", checks},
          {"differences", differences}};
}

Json ToJson(const Distribution& times) {
  return {{"n", times.count}, {"p50", times.p50}, {"p90", times.p90}, {"p99", times.p99}};
}

Json ToJson(const Latency& latency) {
  return {{"rpc", latency.rpc},
          {"left_ms", ToJson(latency.left)},
          {"right_ms", ToJson(latency.right)},
          {"ratio", latency.Ratio()}};
}

Json ToJson(const ProcessCost& cost) {
  return {{"side", cost.side},
          {"pid", cost.use.pid},
          {"process", cost.use.name},
          {"cpu_ms", cost.use.cpu.count()},
          {"children_cpu_ms", cost.use.children_cpu.count()},
          {"resident_kib", cost.use.resident_kib}};
}

Json ToJson(const Expectation& expectation) {
  return {{"line", expectation.line},
          {"field", expectation.field},
          {"check", expectation.check},
          {"scenario", expectation.scenario},
          {"why", expectation.why}};
}

template <class Rows>
Json Array(const Rows& rows) {
  Json array = Json::array();
  for (const auto& row : rows) array.push_back(ToJson(row));
  return array;
}

}  // namespace

void WriteJson(const Report& report, std::ostream& out) {
  const Json document = {{"format", 1},
                         {"started", report.started},
                         {"left", ToJson(report.left)},
                         {"right", ToJson(report.right)},
                         {"image", report.image},
                         {"behaviour", ToJson(CheckTotals(report))},
                         {"values", ToJson(ValueTotals(report))},
                         {"scenarios", Array(report.scenarios)},
                         {"rounds", report.rounds},
                         {"latency", Array(report.latencies)},
                         {"resources", Array(report.costs)},
                         {"stale_expectations", Array(report.stale)},
                         {"violations", report.violations}};
  out << document.dump(2, ' ', false, Json::error_handler_t::replace) << "\n";
}

}  // namespace dockershimd::compare
