#include "compare/rules.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "compare/glob.h"

namespace dockershimd::compare {
namespace {

constexpr Rule kRules[] = {
    // The OCI spec as the low-level runtime was given it: what of it a pod feels is compared by
    // looking inside the container.
    {"*.info.info.runtimeSpec", Mark::kThere},
    {"*.info.info.runtimeOptions", Mark::kThere},
    {"*.info.info.cniResult", Mark::kThere},
    {"*.info.info.sandboxMetadata", Mark::kThere},
    // Repeats the request, which is compared as the status shows it.
    {"*.info.info.config", Mark::kThere},
    {"*created_at", Mark::kTime},
    {"*started_at", Mark::kTime},
    {"*finished_at", Mark::kTime},
    {"*createdAt", Mark::kTime},
    {"*timestamp", Mark::kTime},
    {"*.network.ip", Mark::kAddress},
    {"*.additional_ips*.ip", Mark::kAddress},
    {"*.info.*.pid", Mark::kProcess},
    {"*.usage_core_nano_seconds", Mark::kMeasure},
    {"*.usage_nano_cores", Mark::kMeasure},
    {"*.working_set_bytes", Mark::kMeasure},
    {"*.available_bytes", Mark::kMeasure},
    {"*.usage_bytes", Mark::kMeasure},
    {"*.rss_bytes", Mark::kMeasure},
    {"*.page_faults", Mark::kMeasure},
    {"*.major_page_faults", Mark::kMeasure},
    {"*.swap_available_bytes", Mark::kMeasure},
    {"*.used_bytes", Mark::kMeasure},
    {"*.inodes_used", Mark::kMeasure},
    {"*.rx_bytes", Mark::kMeasure},
    {"*.tx_bytes", Mark::kMeasure},
    {"*.process_count", Mark::kMeasure},
    {"*.psi.*", Mark::kMeasure},
    {"*.metrics[*].value", Mark::kMeasure},
};

std::string Marked(Mark mark, const std::string& value) {
  switch (mark) {
    case Mark::kTime:
      return value == "0" ? value : "<time>";
    case Mark::kMeasure:
      return value == "0" ? value : "<measured>";
    case Mark::kAddress:
      return value.empty() ? value : "<address>";
    case Mark::kProcess:
      return value == "0" ? value : "<process>";
    case Mark::kThere:
      return "<there>";
  }
  return value;
}

/// The rule for a path, and the path that counts: for kThere that of what is above the leaf.
struct Match {
  std::string path;
  Mark mark;
};

std::optional<Match> FirstMatch(const std::string& path, std::span<const Rule> rules) {
  for (const auto& rule : rules) {
    if (Fits(rule.field, path)) return Match{path, rule.mark};
    if (rule.mark != Mark::kThere) continue;
    for (auto end = path.find_first_of(".["); end != std::string::npos;
         end = path.find_first_of(".[", end + 1)) {
      if (Fits(rule.field, path.substr(0, end))) return Match{path.substr(0, end), rule.mark};
    }
  }
  return std::nullopt;
}

}  // namespace

std::span<const Rule> Rules() { return kRules; }

std::string Renamed(std::string text, const Names& names) {
  std::vector<std::pair<std::string, std::string>> ordered(names.begin(), names.end());
  std::stable_sort(ordered.begin(), ordered.end(),
                   [](const auto& a, const auto& b) { return a.first.size() > b.first.size(); });
  for (const auto& [name, shown] : ordered) {
    if (name.empty()) continue;
    for (auto at = text.find(name); at != std::string::npos; at = text.find(name, at)) {
      text.replace(at, name.size(), shown);
      at += shown.size();
    }
  }
  return text;
}

Leaves Normalized(const Leaves& leaves, const Names& names, std::span<const Rule> rules) {
  Leaves result;
  for (const auto& [path, value] : leaves) {
    const std::string shown_path = Renamed(path, names);
    const auto match = FirstMatch(shown_path, rules);
    if (!match) {
      result[shown_path] = Renamed(value, names);
    } else {
      result[match->path] = Marked(match->mark, value);
    }
  }
  return result;
}

}  // namespace dockershimd::compare
