#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <list>
#include <optional>
#include <thread>
#include <vector>

#include "base/guarded.h"

namespace dockershimd::shim::streaming {

/// Threads for calls that block. One is started when all others are busy, so that calls that hang
/// hold up nobody else, and ends when it was idle for a while. Thread-safe.
class BlockingPool {
 public:
  using Work = std::function<void()>;

  /// Over `most_threads` work waits for its turn.
  explicit BlockingPool(std::size_t most_threads,
                        std::chrono::milliseconds idle_limit = std::chrono::seconds(10))
      : most_threads_(most_threads), idle_limit_(idle_limit) {}
  /// As Join().
  ~BlockingPool() { Join(); }
  BlockingPool(const BlockingPool&) = delete;
  BlockingPool& operator=(const BlockingPool&) = delete;

  /// `work` must not throw. Throws std::system_error where not even one thread can be started.
  void Post(Work work);
  /// Waits until all work is done. Nothing may be posted from then on.
  void Join();

  [[nodiscard]] std::size_t Threads() const { return state_.Lock()->threads.size(); }

 private:
  using Handles = std::list<std::jthread>;
  struct State {
    std::deque<Work> queue;
    Handles threads;
    std::vector<std::jthread> ended;  ///< still to be joined, which does not take long
    std::size_t idle = 0;
    bool joining = false;
  };

  void Run(Handles::iterator self);
  /// Nothing: the thread is to end and has given itself up.
  [[nodiscard]] std::optional<Work> Next(Handles::iterator self);

  const std::size_t most_threads_;
  const std::chrono::milliseconds idle_limit_;
  base::Guarded<State> state_;
  std::condition_variable changed_;
};

}  // namespace dockershimd::shim::streaming
