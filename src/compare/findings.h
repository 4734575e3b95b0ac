#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "compare/leaves.h"

namespace dockershimd::compare {

/// How a check went on one side.
enum class Outcome : std::uint8_t {
  kPass,
  kFail,
  kUnsupported,  ///< the runtime answered UNIMPLEMENTED
  kNotReached,   ///< the scenario ended before it
};

/// The outcome as reports name it ("not reached").
[[nodiscard]] std::string_view OutcomeName(Outcome outcome);

/// One check on one side. `detail` says what was seen, for people; it is not compared.
struct Check {
  std::string name;
  Outcome outcome = Outcome::kPass;
  std::string detail;
};

/// Values seen at one point of a scenario: an answer, or what a process in the container saw.
struct Observation {
  std::string moment;  ///< "running", "after the restart"
  Leaves leaves;       ///< normalized
};

/// What one scenario found on one side.
struct Findings {
  std::vector<Check> checks;
  std::vector<Observation> observations;
};

/// A check on both sides.
struct CheckPair {
  std::string scenario;
  std::string name;
  Check left;
  Check right;
  std::optional<std::string> why;  ///< of an expectation that covers the difference

  /// What one side did not reach is not compared: why it ended is a check of its own.
  [[nodiscard]] bool Same() const {
    return left.outcome == right.outcome || left.outcome == Outcome::kNotReached ||
           right.outcome == Outcome::kNotReached;
  }
  [[nodiscard]] bool Unexplained() const { return !Same() && !why; }
};

/// A value that is not the same on both sides.
struct Difference {
  std::string scenario;
  std::string moment;
  std::string field;
  std::optional<std::string> left;  ///< nothing: not set
  std::optional<std::string> right;
  std::optional<std::string> why;

  [[nodiscard]] bool Unexplained() const { return !why; }
};

/// What one scenario found, side by side.
struct Comparison {
  std::vector<CheckPair> checks;
  std::vector<Difference> differences;
  std::size_t values_compared = 0;
};

/// Puts both sides beside each other. Checks and moments meet by name; what one side did not
/// reach is not reached there, and its values are no differences of their own.
[[nodiscard]] Comparison Compare(const std::string& scenario, const Findings& left,
                                 const Findings& right);

}  // namespace dockershimd::compare
