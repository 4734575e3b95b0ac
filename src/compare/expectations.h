#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "compare/findings.h"

namespace dockershimd::compare {

/// One difference that is known, and why it is as it is. In all but `why`, `*` stands for any
/// characters. Values are given as the report shows them.
struct Expectation {
  std::string field;  ///< of a value; or
  std::string check;  ///< of a check, by its name
  std::string scenario = "*";
  std::string left = "*";
  std::string right = "*";
  std::string why;
  int line = 0;
  bool optional = false;  ///< depends on the host: not stale where it does not show
};

/// Reads a TOML file of [[expect]] tables. Unknown keys, a missing reason, both or neither of
/// `field` and `check` are errors that name the line.
[[nodiscard]] base::Result<std::vector<Expectation>> LoadExpectations(
    const std::filesystem::path& file);
[[nodiscard]] base::Result<std::vector<Expectation>> ParseExpectations(std::string_view text,
                                                                       const std::string& source);

/// Gives each difference the reason of the first expectation that covers it. Returns those that
/// covered nothing although a scenario that they are about was run: they are stale.
[[nodiscard]] std::vector<Expectation> Explain(const std::vector<Expectation>& expectations,
                                               const std::vector<Comparison*>& comparisons,
                                               const std::vector<std::string>& scenarios_run);

/// A value as reports and expectations show it.
[[nodiscard]] std::string Shown(const std::optional<std::string>& value);

}  // namespace dockershimd::compare
