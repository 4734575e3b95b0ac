#include "compare/report/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "base/encoding.h"

namespace dockershimd::compare {
namespace {

void Add(const Totals& part, Totals* sum) {
  sum->compared += part.compared;
  sum->explained += part.explained;
  sum->unexplained += part.unexplained;
}

std::string_view Entity(char character) {
  switch (character) {
    case '&':
      return "&amp;";
    case '<':
      return "&lt;";
    case '>':
      return "&gt;";
    case '"':
      return "&quot;";
    case '\'':
      return "&#39;";
    default:
      return {};
  }
}

bool IsControl(char character) {
  const auto byte = static_cast<unsigned char>(character);
  return (byte < 0x20 && byte != '\n' && byte != '\t' && byte != '\r') || byte == 0x7f;
}

}  // namespace

Totals CheckTotals(const Comparison& comparison) {
  Totals totals;
  for (const auto& check : comparison.checks) {
    ++totals.compared;
    if (check.Unexplained()) ++totals.unexplained;
    if (!check.Same() && check.why) ++totals.explained;
  }
  return totals;
}

Totals ValueTotals(const Comparison& comparison) {
  Totals totals{comparison.values_compared, 0, 0};
  for (const auto& difference : comparison.differences) {
    ++(difference.why ? totals.explained : totals.unexplained);
  }
  return totals;
}

Totals CheckTotals(const Report& report) {
  Totals totals;
  for (const auto& scenario : report.scenarios) Add(CheckTotals(scenario.comparison), &totals);
  return totals;
}

Totals ValueTotals(const Report& report) {
  Totals totals;
  for (const auto& scenario : report.scenarios) Add(ValueTotals(scenario.comparison), &totals);
  return totals;
}

std::vector<DifferenceGroup> Grouped(const Report& report) {
  std::vector<DifferenceGroup> groups;
  std::map<std::tuple<std::string, std::string, std::string, std::string>, std::size_t> known;
  for (const auto& scenario : report.scenarios) {
    for (const auto& difference : scenario.comparison.differences) {
      const auto key = std::make_tuple(difference.field, Shown(difference.left),
                                       Shown(difference.right), difference.why.value_or(""));
      const auto [place, is_new] = known.emplace(key, groups.size());
      if (is_new) groups.push_back({difference, {}});
      groups[place->second].places.push_back(difference.scenario + ": " + difference.moment);
    }
  }
  std::stable_partition(groups.begin(), groups.end(), [](const DifferenceGroup& group) {
    return group.difference.Unexplained();
  });
  return groups;
}

std::vector<CheckPair> DifferentChecks(const Report& report) {
  std::vector<CheckPair> checks;
  for (const auto& scenario : report.scenarios) {
    for (const auto& check : scenario.comparison.checks) {
      if (!check.Same()) checks.push_back(check);
    }
  }
  std::stable_partition(checks.begin(), checks.end(),
                        [](const CheckPair& check) { return check.Unexplained(); });
  return checks;
}

std::string Escaped(std::string_view text) {
  const bool valid = base::IsUtf8(text);
  std::string result;
  for (const char character : text) {
    if (IsControl(character) || (!valid && static_cast<unsigned char>(character) >= 0x80)) {
      result += "\xef\xbf\xbd";
    } else if (const auto entity = Entity(character); !entity.empty()) {
      result += entity;
    } else {
      result += character;
    }
  }
  return result;
}

}  // namespace dockershimd::compare
