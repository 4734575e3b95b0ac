#pragma once

#include <cstdint>
#include <string>

namespace dockershimd::shim::streaming::wire {

/// How an exec or attach session ended.
struct Outcome {
  enum class Kind : std::uint8_t { kSuccess, kExitCode, kFailure };
  Kind kind = Kind::kSuccess;
  int exit_code = 0;    ///< for kExitCode: 1..255
  std::string message;  ///< for kFailure

  [[nodiscard]] static Outcome Success() { return {}; }
  /// Zero is a success.
  [[nodiscard]] static Outcome Exited(int code);
  [[nodiscard]] static Outcome Failed(std::string message);
};

/// What the error stream says of it: a metav1.Status as JSON from protocol version 4 on, before
/// that a text for what is no success and nothing otherwise.
[[nodiscard]] std::string StatusText(const Outcome& outcome, int protocol_version);

}  // namespace dockershimd::shim::streaming::wire
