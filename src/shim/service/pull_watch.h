#pragma once

#include <atomic>
#include <chrono>
#include <map>
#include <string>

#include "base/call_context.h"
#include "dockerapi/images.h"

namespace dockershimd::shim::service {

/// Notices that a pull stands still. Messages alone prove nothing: engines with containerd's image
/// store repeat the same figures ten times a second; only changed figures count.
///
/// `See` is for one thread; the rest is thread-safe. Must outlive the contexts that it made.
class PullWatch {
 public:
  explicit PullWatch(std::chrono::milliseconds limit);

  void See(const dockerapi::Progress& progress);

  /// True once nothing has changed for the limit.
  [[nodiscard]] bool IsStalled() const;

  /// The same context, which also counts as cancelled once the pull is stalled.
  [[nodiscard]] base::CallContext Watched(const base::CallContext& context) const;

  /// What changed last: "Downloading e79c63431aa6 (43442 of 3588124)".
  [[nodiscard]] std::string Last() const;

 private:
  using Clock = base::CallContext::Clock;

  std::chrono::milliseconds limit_;
  std::atomic<Clock::rep> last_change_;
  std::map<std::string, dockerapi::Progress> layers_;
  dockerapi::Progress last_;
};

}  // namespace dockershimd::shim::service
