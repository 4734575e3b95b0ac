#include "figures.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

namespace dockershimd::bench {
namespace {

std::string Cell(const Value* value) {
  if (value == nullptr) return "";
  const auto median = value->Median();
  if (!median) return value->failure.empty() ? "" : "fails (" + value->failure + ")";
  std::string cell = Short(*median);
  if (value->samples.size() > 1) cell += " / " + Short(*value->Percentile(0.99));
  if (!value->note.empty()) cell += " (" + value->note + ")";
  return cell;
}

}  // namespace

std::string Short(double number) {
  if (number == 0) return "0";
  const int digits =
      std::clamp(2 - static_cast<int>(std::floor(std::log10(std::abs(number)))), 0, 4);
  return fmt::format("{:.{}f}", number, digits);
}

std::optional<double> Value::Percentile(double part) const {
  if (samples.empty()) return std::nullopt;
  auto sorted = samples;
  std::sort(sorted.begin(), sorted.end());
  const auto rank = static_cast<std::size_t>(std::ceil(part * static_cast<double>(sorted.size())));
  return sorted[std::max<std::size_t>(rank, 1) - 1];
}

Value& Figures::At(const std::string& figure, const std::string& contender) {
  if (!values_.contains(figure)) order_.push_back(figure);
  return values_[figure][contender];
}

const Value* Figures::Find(const std::string& figure, const std::string& contender) const {
  const auto row = values_.find(figure);
  if (row == values_.end()) return nullptr;
  const auto found = row->second.find(contender);
  return found == row->second.end() ? nullptr : &found->second;
}

std::optional<double> Figures::Ratio(const std::string& figure, const std::string& of,
                                     const std::string& to) const {
  const auto* above = Find(figure, of);
  const auto* below = Find(figure, to);
  if (above == nullptr || below == nullptr) return std::nullopt;
  const auto dividend = above->Median();
  const auto divisor = below->Median();
  if (!dividend || !divisor || *divisor == 0) return std::nullopt;
  return *dividend / *divisor;
}

std::string Figures::Table() const {
  std::vector<std::vector<std::string>> rows{{"figure: median / 99th percentile"}};
  for (const auto& contender : contenders_) {
    rows[0].push_back(contender);
    if (contender != kOurs) rows[0].push_back("x");
  }
  for (const auto& figure : order_) {
    auto& row = rows.emplace_back(std::vector{figure});
    for (const auto& contender : contenders_) {
      row.push_back(Cell(Find(figure, contender)));
      if (contender == kOurs) continue;
      const auto ratio = Ratio(figure, kOurs, contender);
      row.push_back(ratio ? Short(*ratio) : "");
    }
  }
  std::vector<std::size_t> widths(rows[0].size());
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string table;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += fmt::format("{:<{}}  ", row[i], widths[i]);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    table += line + "\n";
  }
  return table;
}

nlohmann::json Figures::ToJson() const {
  auto all = nlohmann::json::array();
  for (const auto& figure : order_) {
    nlohmann::json row{{"figure", figure}};
    for (const auto& [contender, value] : values_.at(figure)) {
      auto& cell = row["values"][contender];
      if (const auto median = value.Median()) {
        cell["p50"] = *median;
        cell["p99"] = *value.Percentile(0.99);
        cell["samples"] = value.samples.size();
      }
      if (!value.note.empty()) cell["note"] = value.note;
      if (!value.failure.empty()) cell["failure"] = value.failure;
    }
    all.push_back(std::move(row));
  }
  return all;
}

}  // namespace dockershimd::bench
