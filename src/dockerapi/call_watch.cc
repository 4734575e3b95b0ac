#include "dockerapi/call_watch.h"

#include <chrono>
#include <utility>

namespace dockershimd::dockerapi {
namespace {

constexpr std::chrono::milliseconds kCheck(50);

}  // namespace

CallWatch::Lease::Lease(CallWatch& owner, std::list<Entry>::iterator entry)
    : owner_(owner), entry_(entry), on_stop_(entry->context.stop, entry->interrupt) {}

CallWatch::Lease::~Lease() { owner_.state_.Lock()->entries.erase(entry_); }

CallWatch::CallWatch() : thread_([this] { Run(); }) {}

CallWatch::~CallWatch() {
  state_.Lock()->stopping = true;
  changed_.notify_one();
}

CallWatch::Lease CallWatch::Watch(const base::CallContext& context,
                                  std::function<void()> interrupt) {
  auto state = state_.Lock();
  state->entries.push_front({context, std::move(interrupt)});
  const auto entry = state->entries.begin();
  // Calls that follow each other within one check wake nobody.
  if (std::exchange(state->asleep, false)) changed_.notify_one();
  return {*this, entry};
}

void CallWatch::Run() {
  auto state = state_.Lock();
  while (!state->stopping) {
    if (state->entries.empty()) {
      state->asleep = true;
      state.Wait(changed_, [&] { return state->stopping || !state->asleep; });
    }
    state.WaitUntil(changed_, base::CallContext::Clock::now() + kCheck,
                    [&] { return state->stopping; });
    for (const auto& [context, interrupt] : state->entries) {
      if (context.IsExpired() || context.IsCancelled()) interrupt();
    }
  }
}

}  // namespace dockershimd::dockerapi
