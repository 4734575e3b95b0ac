#pragma once

#include <functional>
#include <future>
#include <vector>

#include "base/result.h"

namespace dockershimd::base {

using Task = std::function<Status()>;

/// Runs independent tasks side by side, the last on this thread. Returns when all have ended: the
/// failure of the first in their order that failed. What a task throws is thrown here.
[[nodiscard]] inline Status InParallel(const std::vector<Task>& tasks) {
  if (tasks.empty()) return {};
  std::vector<std::future<Status>> running;
  for (std::size_t i = 0; i + 1 < tasks.size(); ++i) {
    running.push_back(std::async(std::launch::async, tasks[i]));
  }
  const auto last = tasks.back()();
  Status outcome;
  for (auto& task : running) {
    const auto ended = task.get();
    if (outcome && !ended) outcome = ended;
  }
  return outcome ? last : outcome;
}

}  // namespace dockershimd::base
