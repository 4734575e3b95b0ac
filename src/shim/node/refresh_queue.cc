#include "shim/node/refresh_queue.h"

#include <algorithm>
#include <utility>

#include "base/log.h"

namespace dockershimd::shim::node {

RefreshQueue::RefreshQueue(Refresh refresh, int threads, Clock::duration retry_pause)
    : refresh_(std::move(refresh)), retry_pause_(retry_pause) {
  for (int i = 0; i < threads; ++i) {
    threads_.emplace_back([this](const std::stop_token& stop) { Run(stop); });
  }
}

RefreshQueue::~RefreshQueue() {
  {
    // Under the lock, so that each thread is either waiting or about to see it.
    const auto state = state_.Lock();
    for (auto& thread : threads_) thread.request_stop();
  }
  changed_.notify_all();
}

void RefreshQueue::Put(State& state, const std::string& id, Job job) {
  const auto [entry, is_new] = state.waiting.try_emplace(id, job);
  if (!is_new) {
    state.by_time.erase({entry->second.due, id});
    entry->second.due = std::min(entry->second.due, job.due);
    entry->second.news = std::max(entry->second.news, job.news);
  }
  state.by_time.emplace(entry->second.due, id);
}

void RefreshQueue::Add(const std::string& id, SteadyNanos news, Clock::duration delay) {
  Put(*state_.Lock(), id, {Clock::now() + delay, news});
  changed_.notify_one();
}

std::string RefreshQueue::TakeDue(State& state, SteadyNanos* news) {
  const auto now = Clock::now();
  for (const auto& [due, id] : state.by_time) {
    if (due > now) break;
    if (state.running.contains(id)) continue;
    const auto job = state.waiting.extract(id);
    *news = job.mapped().news;
    state.by_time.erase({due, job.key()});
    state.running.insert(job.key());
    return job.key();
  }
  return {};
}

RefreshQueue::Clock::time_point RefreshQueue::NextDue(const State& state) {
  const auto now = Clock::now();
  // What is due already has a thread that runs it, which wakes the others when it is done.
  const auto next = std::find_if(state.by_time.begin(), state.by_time.end(),
                                 [&](const auto& job) { return job.first > now; });
  return next == state.by_time.end() ? now + std::chrono::hours(1) : next->first;
}

void RefreshQueue::Run(const std::stop_token& stop) {
  while (true) {
    std::string id;
    SteadyNanos news = 0;
    {
      auto state = state_.Lock();
      while (!stop.stop_requested()) {
        id = TakeDue(*state, &news);
        if (!id.empty()) break;
        state.WaitUntil(changed_, NextDue(*state));
      }
      if (stop.stop_requested()) return;
    }
    const auto done = refresh_(stop, id, news);
    if (!done && !stop.stop_requested()) {
      spdlog::warn("cannot read {} after an event, trying again: {}", id, done.error().message);
    }
    {
      auto state = state_.Lock();
      state->running.erase(id);
      if (!done) Put(*state, id, {Clock::now() + retry_pause_, news});
    }
    // It may have been added again meanwhile.
    changed_.notify_one();
  }
}

}  // namespace dockershimd::shim::node
