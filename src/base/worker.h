#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <stop_token>
#include <thread>

#include "base/guarded.h"

namespace dockershimd::base {

/// One thread that runs tasks in the order in which they were posted, for work that whoever found
/// it must not wait for. Thread-safe. The destructor lets the task that runs end and drops the
/// rest: whatever is posted must be found again after a restart.
class Worker {
 public:
  using Task = std::function<void(const std::stop_token& stop)>;

  Worker() : thread_([this](const std::stop_token& stop) { Run(stop); }) {}
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  ~Worker() {
    {
      // Under the lock, so that the thread is either waiting or about to see it.
      const auto tasks = tasks_.Lock();
      thread_.request_stop();
    }
    posted_.notify_all();
  }

  void Post(Task task) {
    tasks_.Lock()->push_back(std::move(task));
    posted_.notify_one();
  }

 private:
  void Run(const std::stop_token& stop) {
    while (true) {
      Task task;
      {
        auto tasks = tasks_.Lock();
        tasks.Wait(posted_, [&] { return stop.stop_requested() || !tasks->empty(); });
        if (stop.stop_requested()) return;
        task = std::move(tasks->front());
        tasks->pop_front();
      }
      task(stop);
    }
  }

  Guarded<std::deque<Task>> tasks_;
  std::condition_variable posted_;
  std::jthread thread_;  // last: begins when the rest is there
};

}  // namespace dockershimd::base
