#include "shim/streaming/blocking_pool.h"

#include <system_error>

#include "base/log.h"

namespace dockershimd::shim::streaming {

void BlockingPool::Post(Work work) {
  std::vector<std::jthread> ended;
  auto state = state_.Lock();
  ended.swap(state->ended);
  state->queue.push_back(std::move(work));
  if (state->queue.size() > state->idle && state->threads.size() < most_threads_) {
    try {
      const auto self = state->threads.emplace(state->threads.end());
      *self = std::jthread([this, self] { Run(self); });
    } catch (const std::system_error& error) {
      state->threads.pop_back();
      if (state->threads.empty()) {
        state->queue.pop_back();
        throw;
      }
      spdlog::warn("streaming: no thread more than {}: {}", state->threads.size(), error.what());
    }
  }
  changed_.notify_one();
}

std::optional<BlockingPool::Work> BlockingPool::Next(Handles::iterator self) {
  auto state = state_.Lock();
  if (state->queue.empty() && !state->joining) {
    ++state->idle;
    state.WaitUntil(changed_, std::chrono::steady_clock::now() + idle_limit_,
                    [&] { return !state->queue.empty() || state->joining; });
    --state->idle;
  }
  if (!state->queue.empty()) {
    Work work = std::move(state->queue.front());
    state->queue.pop_front();
    return work;
  }
  state->ended.push_back(std::move(*self));
  state->threads.erase(self);
  changed_.notify_all();
  return std::nullopt;
}

void BlockingPool::Run(Handles::iterator self) {
  while (const auto work = Next(self)) (*work)();
}

void BlockingPool::Join() {
  std::vector<std::jthread> ended;
  auto state = state_.Lock();
  state->joining = true;
  changed_.notify_all();
  state.Wait(changed_, [&] { return state->threads.empty(); });
  ended.swap(state->ended);
}

}  // namespace dockershimd::shim::streaming
