#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <functional>
#include <future>
#include <thread>
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

/// Calls `work(index)` for each index below `count`, on up to four threads, one for each
/// `worth_a_thread` of them. What `work` throws is thrown here.
template <class Work>
void ForEachInParallel(std::size_t count, std::size_t worth_a_thread, const Work& work) {
  constexpr std::size_t kMostThreads = 4;
  const std::size_t processors = std::max(1U, std::thread::hardware_concurrency());
  const std::size_t threads =
      std::clamp<std::size_t>(count / worth_a_thread, 1, std::min(processors, kMostThreads));
  std::atomic<std::size_t> next = 0;
  const Task share = [&]() -> Status {
    for (auto index = next++; index < count; index = next++) work(index);
    return {};
  };
  (void)InParallel(std::vector<Task>(threads, share));
}

}  // namespace dockershimd::base
