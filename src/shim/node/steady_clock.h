#pragma once

#include <chrono>
#include <cstdint>

namespace dockershimd::shim::node {

/// Nanoseconds on the clock that nobody can set: to tell before from after within one process. 0 is
/// before anything.
using SteadyNanos = std::int64_t;

[[nodiscard]] inline SteadyNanos SteadyNow() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::nanoseconds>(now).count();
}

}  // namespace dockershimd::shim::node
