#include "compare/findings.h"

#include <algorithm>
#include <set>

namespace dockershimd::compare {
namespace {

const Check* FindCheck(const Findings& findings, const std::string& name) {
  const auto found = std::find_if(findings.checks.begin(), findings.checks.end(),
                                  [&](const Check& check) { return check.name == name; });
  return found != findings.checks.end() ? &*found : nullptr;
}

const Observation* FindMoment(const Findings& findings, const std::string& moment) {
  const auto found =
      std::find_if(findings.observations.begin(), findings.observations.end(),
                   [&](const Observation& observation) { return observation.moment == moment; });
  return found != findings.observations.end() ? &*found : nullptr;
}

Check OrNotReached(const Check* check, const std::string& name) {
  return check != nullptr ? *check : Check{name, Outcome::kNotReached, {}};
}

void CompareChecks(const std::string& scenario, const Findings& left, const Findings& right,
                   Comparison* result) {
  for (const auto& check : left.checks) {
    result->checks.push_back(
        {scenario, check.name, check, OrNotReached(FindCheck(right, check.name), check.name), {}});
  }
  for (const auto& check : right.checks) {
    if (FindCheck(left, check.name) != nullptr) continue;
    result->checks.push_back({scenario, check.name, OrNotReached(nullptr, check.name), check, {}});
  }
}

std::optional<std::string> ValueAt(const Leaves& leaves, const std::string& path) {
  const auto found = leaves.find(path);
  if (found == leaves.end()) return std::nullopt;
  return found->second;
}

void CompareLeaves(const std::string& scenario, const std::string& moment, const Leaves& left,
                   const Leaves& right, Comparison* result) {
  std::set<std::string> paths;
  for (const auto& [path, value] : left) paths.insert(path);
  for (const auto& [path, value] : right) paths.insert(path);
  for (const auto& path : paths) {
    ++result->values_compared;
    auto on_left = ValueAt(left, path);
    auto on_right = ValueAt(right, path);
    if (on_left == on_right) continue;
    result->differences.push_back(
        {scenario, moment, path, std::move(on_left), std::move(on_right), {}});
  }
}

}  // namespace

std::string_view OutcomeName(Outcome outcome) {
  switch (outcome) {
    case Outcome::kPass:
      return "pass";
    case Outcome::kFail:
      return "fail";
    case Outcome::kUnsupported:
      return "unsupported";
    case Outcome::kNotReached:
      return "not reached";
  }
  return "?";
}

Comparison Compare(const std::string& scenario, const Findings& left, const Findings& right) {
  Comparison result;
  CompareChecks(scenario, left, right, &result);
  for (const auto& observation : left.observations) {
    const auto* other = FindMoment(right, observation.moment);
    if (other == nullptr) continue;
    CompareLeaves(scenario, observation.moment, observation.leaves, other->leaves, &result);
  }
  return result;
}

}  // namespace dockershimd::compare
