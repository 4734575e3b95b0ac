#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>

#include "compare/leaves.h"

namespace dockershimd::compare {

/// Values that differ from run to run and say nothing about the runtime become marks such as
/// `<time>`, so that what remains can be compared.
enum class Mark {
  kTime,     ///< a moment: said or not
  kMeasure,  ///< a quantity that was measured: there, zero, or missing
  kAddress,  ///< an IP address
  kProcess,  ///< a process id
  kThere,    ///< only whether it is there; everything below the path is one value
};

struct Rule {
  std::string_view field;  ///< pattern of a leaf's path; for kThere of what is above the leaf
  Mark mark;
};

/// The rules for CRI's answers. The first that fits a path counts.
[[nodiscard]] std::span<const Rule> Rules();

/// What this run made, by its literal value: ids, folders. The value is what to show instead.
using Names = std::map<std::string, std::string>;

/// The text with every name in it replaced, longer names first.
[[nodiscard]] std::string Renamed(std::string text, const Names& names);

/// The leaves as they are compared: names replaced, rules applied.
[[nodiscard]] Leaves Normalized(const Leaves& leaves, const Names& names,
                                std::span<const Rule> rules);

}  // namespace dockershimd::compare
