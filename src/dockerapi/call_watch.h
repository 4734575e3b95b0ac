#pragma once

#include <condition_variable>
#include <functional>
#include <list>
#include <memory>
#include <stop_token>
#include <thread>

#include "base/call_context.h"
#include "base/guarded.h"

namespace dockershimd::dockerapi {

/// Interrupts calls that block inside a library which knows neither a total deadline nor
/// cancellation. One thread for all calls, which sleeps while there are none. Thread-safe.
class CallWatch {
 public:
  /// One call being watched. Once it is destroyed, `interrupt` neither runs nor will run.
  class Lease;

  CallWatch();
  ~CallWatch();
  CallWatch(const CallWatch&) = delete;
  CallWatch& operator=(const CallWatch&) = delete;

  /// From the end of `context` on (deadline or cancellation), `interrupt` is called every 50 ms, on
  /// another thread, for as long as the lease lives: a call that could not be interrupted yet can
  /// be the next time. The context's stop token is heeded at once. Neither `interrupt` nor the
  /// context's cancelled function may use this CallWatch. The CallWatch must outlive the lease.
  [[nodiscard]] Lease Watch(const base::CallContext& context, std::function<void()> interrupt);

 private:
  struct Entry {
    base::CallContext context;
    std::function<void()> interrupt;
  };
  struct State {
    std::list<Entry> entries;
    bool asleep = false;
    bool stopping = false;
  };

  void Run();

  base::Guarded<State> state_;
  std::condition_variable changed_;
  std::jthread thread_;
};

class CallWatch::Lease {
 public:
  Lease(CallWatch& owner, std::list<Entry>::iterator entry);
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;
  ~Lease();

 private:
  CallWatch& owner_;
  std::list<Entry>::iterator entry_;
  std::stop_callback<std::function<void()>> on_stop_;
};

}  // namespace dockershimd::dockerapi
