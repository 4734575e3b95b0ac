#include "compare/expectations.h"

#include <toml++/toml.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "base/file.h"
#include "compare/glob.h"

namespace dockershimd::compare {
namespace {

using base::Code;
using base::Fail;
using base::Result;

struct Key {
  std::string_view name;
  std::string Expectation::* member;
};
constexpr Key kKeys[] = {{"field", &Expectation::field},       {"check", &Expectation::check},
                         {"scenario", &Expectation::scenario}, {"left", &Expectation::left},
                         {"right", &Expectation::right},       {"why", &Expectation::why}};

std::optional<std::string> Assign(std::string_view key, const toml::node& node,
                                  Expectation* expectation) {
  if (key == "optional") {
    if (!node.is_boolean()) return "'optional' must be true or false";
    expectation->optional = node.as_boolean()->get();
    return std::nullopt;
  }
  for (const auto& [name, member] : kKeys) {
    if (key != name) continue;
    if (!node.is_string()) return fmt::format("'{}' must be a string", key);
    expectation->*member = node.as_string()->get();
    return std::nullopt;
  }
  return fmt::format("unknown key '{}'", key);
}

std::optional<std::string> Fill(const toml::table& table, Expectation* expectation) {
  for (const auto& [key, node] : table) {
    if (auto mistake = Assign(key.str(), node, expectation)) return mistake;
  }
  if (expectation->field.empty() == expectation->check.empty()) {
    return "needs either 'field' or 'check'";
  }
  if (expectation->why.empty()) return "needs 'why': the reason of the difference";
  return std::nullopt;
}

bool Covers(const Expectation& expectation, const Difference& difference) {
  return !expectation.field.empty() && Fits(expectation.scenario, difference.scenario) &&
         Fits(expectation.field, difference.field) &&
         Fits(expectation.left, Shown(difference.left)) &&
         Fits(expectation.right, Shown(difference.right));
}

bool Covers(const Expectation& expectation, const CheckPair& check) {
  return !expectation.check.empty() && !check.Same() &&
         Fits(expectation.scenario, check.scenario) && Fits(expectation.check, check.name) &&
         Fits(expectation.left, OutcomeName(check.left.outcome)) &&
         Fits(expectation.right, OutcomeName(check.right.outcome));
}

template <class Found>
void ExplainOne(const std::vector<Expectation>& expectations, std::vector<bool>* used,
                Found* found) {
  for (std::size_t i = 0; i < expectations.size(); ++i) {
    if (!Covers(expectations[i], *found)) continue;
    (*used)[i] = true;
    found->why = expectations[i].why;
    return;
  }
}

}  // namespace

Result<std::vector<Expectation>> ParseExpectations(std::string_view text,
                                                   const std::string& source) {
  toml::table document;
  try {
    document = toml::parse(text, source);
  } catch (const toml::parse_error& error) {
    return Fail(Code::kInvalidArgument, "{}:{}: {}", source, error.source().begin.line,
                error.description());
  }
  std::vector<Expectation> expectations;
  for (const auto& [key, node] : document) {
    const auto* rows = node.as_array();
    if (key.str() != "expect" || rows == nullptr || !rows->is_homogeneous<toml::table>()) {
      return Fail(Code::kInvalidArgument, "{}:{}: only [[expect]] tables belong here, not '{}'",
                  source, node.source().begin.line, key.str());
    }
    for (const auto& row : *rows) {
      Expectation expectation;
      expectation.line = static_cast<int>(row.source().begin.line);
      if (auto mistake = Fill(*row.as_table(), &expectation)) {
        return Fail(Code::kInvalidArgument, "{}:{}: {}", source, expectation.line, *mistake);
      }
      expectations.push_back(std::move(expectation));
    }
  }
  return expectations;
}

Result<std::vector<Expectation>> LoadExpectations(const std::filesystem::path& file) {
  auto text = base::ReadFile(file);
  if (!text) return Fail(text.error());
  return ParseExpectations(*text, file.string());
}

std::vector<Expectation> Explain(const std::vector<Expectation>& expectations,
                                 const std::vector<Comparison*>& comparisons,
                                 const std::vector<std::string>& scenarios_run) {
  std::vector<bool> used(expectations.size());
  for (auto* comparison : comparisons) {
    for (auto& check : comparison->checks) ExplainOne(expectations, &used, &check);
    for (auto& difference : comparison->differences) ExplainOne(expectations, &used, &difference);
  }
  std::vector<Expectation> stale;
  for (std::size_t i = 0; i < expectations.size(); ++i) {
    const auto& scenario = expectations[i].scenario;
    const bool was_run = std::any_of(scenarios_run.begin(), scenarios_run.end(),
                                     [&](const std::string& name) { return Fits(scenario, name); });
    if (!used[i] && was_run && !expectations[i].optional) stale.push_back(expectations[i]);
  }
  return stale;
}

std::string Shown(const std::optional<std::string>& value) {
  if (!value) return "(not set)";
  return value->empty() ? "(empty)" : *value;
}

}  // namespace dockershimd::compare
