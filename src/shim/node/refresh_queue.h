#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <set>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "base/guarded.h"
#include "base/result.h"
#include "shim/node/steady_clock.h"

namespace dockershimd::shim::node {

/// What has to be read anew, for threads that do it: a container that Docker is slow about does not
/// hold up the others. Each thing is read by one thread at a time, and once for all the events that
/// came until then; where it fails, again a while later. Thread-safe.
class RefreshQueue {
 public:
  using Clock = std::chrono::steady_clock;
  /// `news`: the time of the newest event about it.
  using Refresh = std::function<base::Status(const std::stop_token& stop, const std::string& id,
                                             SteadyNanos news)>;

  RefreshQueue(Refresh refresh, int threads, Clock::duration retry_pause);
  /// Ends at once what `refresh` can end.
  ~RefreshQueue();
  RefreshQueue(const RefreshQueue&) = delete;
  RefreshQueue& operator=(const RefreshQueue&) = delete;

  void Add(const std::string& id, SteadyNanos news, Clock::duration delay);

 private:
  struct Job {
    Clock::time_point due;
    SteadyNanos news = 0;
  };
  struct State {
    std::map<std::string, Job> waiting;
    std::set<std::pair<Clock::time_point, std::string>> by_time;  ///< of `waiting`
    std::set<std::string> running;
  };

  void Run(const std::stop_token& stop);
  static void Put(State& state, const std::string& id, Job job);
  /// The next that is due and that no thread is at; empty where there is none.
  static std::string TakeDue(State& state, SteadyNanos* news);

  static Clock::time_point NextDue(const State& state);

  Refresh refresh_;
  Clock::duration retry_pause_;
  base::Guarded<State> state_;
  std::condition_variable changed_;
  std::vector<std::jthread> threads_;  // last: they begin when the rest is there
};

}  // namespace dockershimd::shim::node
