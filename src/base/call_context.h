#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <stop_token>

namespace dockershimd::base {

/// How long a call may take and whether anybody still waits for it. Cheap to copy; passed down
/// from the RPC to whatever blocks.
struct CallContext {
  using Clock = std::chrono::steady_clock;

  Clock::time_point deadline = Clock::time_point::max();
  /// True once the caller has gone away. Empty: the caller never does. May be called from any
  /// thread that works for this call.
  std::function<bool()> cancelled;
  /// Set by the daemon when it shuts down: noticed at once, without polling.
  std::stop_token stop;

  /// A context that ends after `limit` and that nobody cancels.
  [[nodiscard]] static CallContext WithTimeout(Clock::duration limit) {
    return {Clock::now() + limit, {}, {}};
  }

  /// The same context, ending at the latest `limit` from now.
  [[nodiscard]] CallContext Within(Clock::duration limit) const {
    return {std::min(deadline, Clock::now() + limit), cancelled, stop};
  }

  /// For clean-up that must be done even when the caller has given up: ignores this call's
  /// deadline and cancellation, but is bounded itself.
  [[nodiscard]] static CallContext ForCleanup() { return WithTimeout(std::chrono::seconds(30)); }

  [[nodiscard]] bool IsCancelled() const {
    return stop.stop_requested() || (cancelled && cancelled());
  }
  [[nodiscard]] bool IsExpired() const { return Clock::now() >= deadline; }

  /// Time left, never negative; about 100 years without a deadline.
  [[nodiscard]] std::chrono::milliseconds Remaining() const {
    constexpr auto kForever = std::chrono::hours(24 * 365 * 100);
    if (deadline == Clock::time_point::max()) return kForever;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
    return std::clamp<std::chrono::milliseconds>(left, std::chrono::milliseconds(0), kForever);
  }
};

}  // namespace dockershimd::base
