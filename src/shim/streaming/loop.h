#pragma once

#include <array>
#include <chrono>
#include <optional>
#include <span>
#include <stop_token>
#include <type_traits>
#include <utility>

#include "base/call_context.h"
#include "shim/streaming/asio.h"
#include "shim/streaming/blocking_pool.h"

namespace dockershimd::shim::streaming {

/// What a coroutine returns that runs on the loop.
template <class T>
using Awaitable = boost::asio::awaitable<T>;

/// What all connections share: one thread that runs them, a few others for calls that block, and
/// one read buffer. Bytes in the buffer are good until the reader waits for anything.
class Loop {
 public:
  explicit Loop(std::size_t most_blocking_threads) : pool_(most_blocking_threads) {}

  [[nodiscard]] boost::asio::io_context& Io() { return io_; }
  [[nodiscard]] BlockingPool& Pool() { return pool_; }
  [[nodiscard]] std::span<char> Buffer() { return buffer_; }

  /// A context for a call that blocks: ends at once when the server stops.
  [[nodiscard]] base::CallContext Context(base::CallContext::Clock::duration limit) const {
    auto context = base::CallContext::WithTimeout(limit);
    context.stop = stop_.get_token();
    return context;
  }
  /// Ends all calls that block.
  void StopBlocking() { stop_.request_stop(); }

  /// Lets a coroutine run.
  void Spawn(Awaitable<void> coroutine) {
    boost::asio::co_spawn(io_, std::move(coroutine), boost::asio::detached);
  }

 private:
  boost::asio::io_context io_{1};
  std::stop_source stop_;
  std::array<char, 256 << 10> buffer_;
  BlockingPool pool_;  // last: what still blocks uses the rest
};

/// Waits for a time to pass.
inline Awaitable<void> Pause(Loop& loop, std::chrono::steady_clock::duration time) {
  boost::asio::steady_timer timer(loop.Io(), time);
  co_await timer.async_wait(boost::asio::use_awaitable);
}

/// Wakes coroutines that wait for a change: they look again at what they wait for.
class Signal {
 public:
  explicit Signal(Loop& loop) : timer_(loop.Io(), boost::asio::steady_timer::time_point::max()) {}

  [[nodiscard]] Awaitable<void> Wait() {
    boost::system::error_code notified;
    co_await timer_.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, notified));
  }
  void Notify() { timer_.cancel(); }

 private:
  boost::asio::steady_timer timer_;
};

/// Runs `work` on a thread that may block; the coroutine goes on with its result. `work` must be a
/// named variable: g++ 12 destroys temporaries of a co_await expression twice.
template <class Work>
Awaitable<std::invoke_result_t<Work>> Blocking(Loop& loop, const Work& work) {
  std::optional<std::invoke_result_t<Work>> result;
  bool done = false;
  Signal signal(loop);
  loop.Pool().Post([&loop, &work, &result, &done, &signal] {
    result.emplace(work());
    boost::asio::post(loop.Io(), [&done, &signal] {
      done = true;
      signal.Notify();
    });
  });
  while (!done) co_await signal.Wait();
  co_return std::move(*result);
}

}  // namespace dockershimd::shim::streaming
