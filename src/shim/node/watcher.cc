#include "shim/node/watcher.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <utility>

#include "base/log.h"
#include "shim/translate/labels.h"

namespace dockershimd::shim::node {
namespace {

constexpr std::chrono::milliseconds kFirstPause(100);
constexpr std::chrono::milliseconds kLongestPause(5000);
constexpr std::chrono::minutes kRebuildLimit(2);

/// Sleeps, unless the daemon stops.
void PauseFor(const std::stop_token& stop, std::chrono::milliseconds pause) {
  std::mutex mutex;
  std::condition_variable_any condition;
  std::unique_lock lock(mutex);
  condition.wait_for(lock, stop, pause, [] { return false; });
}

}  // namespace

Watcher::Watcher(dockerapi::Client& docker, Engine& engine, Model& model, Callbacks callbacks)
    : docker_(docker), engine_(engine), model_(model), callbacks_(std::move(callbacks)) {}

void Watcher::Start() {
  thread_ = std::jthread([this](const std::stop_token& stop) { Run(stop); });
}

void Watcher::Run(const std::stop_token& stop) {
  auto pause = kFirstPause;
  while (!stop.stop_requested()) {
    const auto ended = Watch(stop);
    if (stop.stop_requested()) return;
    const bool was_ready = std::exchange(condition_.Lock()->ready, false);
    if (was_ready) pause = kFirstPause;
    const std::string cause = ended ? "Docker closed the event stream" : ended.error().message;
    condition_.Lock()->message = "Docker cannot be reached: " + cause + "; check that dockerd runs";
    spdlog::warn("lost Docker: {}; trying again in {} ms", cause, pause.count());
    PauseFor(stop, pause);
    pause = std::min(pause * 2, kLongestPause);
  }
}

base::Status Watcher::Watch(const std::stop_token& stop) {
  // A stream whose beginning could not be used is given up, so that Run tries again.
  std::stop_source attempt;
  const std::stop_callback forward(stop, [&] { attempt.request_stop(); });
  base::CallContext context;
  context.stop = attempt.get_token();
  // The engine may have been replaced by another version while it was away.
  if (auto version = docker_.Negotiate(context.Within(kRebuildLimit)); !version) {
    return base::Fail(version.error());
  }
  base::Status opened;
  const auto ended = docker_.StreamEvents(
      context, {.since = 0, .types = {"container"}, .actions = {}},
      [&] {
        opened = OnOpen(context);
        if (!opened) attempt.request_stop();
      },
      [&](const dockerapi::Event& event) {
        OnEvent(context, event);
        return true;
      });
  if (!opened) return opened;
  return ended;
}

base::Status Watcher::OnOpen(const base::CallContext& context) {
  if (auto loaded = engine_.Load(context.Within(kRebuildLimit)); !loaded) return loaded;
  if (auto rebuilt = model_.Rebuild(context.Within(kRebuildLimit)); !rebuilt) return rebuilt;
  *condition_.Lock() = {.ready = true, .pods_known = true, .message = ""};
  spdlog::info("connected to Docker: {} pod sandboxes, {} containers", model_.Sandboxes().size(),
               model_.Containers().size());
  callbacks_.on_connected();
  return {};
}

void Watcher::OnEvent(const base::CallContext& context, const dockerapi::Event& event) {
  if (!event.attributes.contains(std::string(translate::kTypeLabel))) return;
  // exec_* and its kin change nothing that CRI shows, and probes make many of them.
  if (event.action.starts_with("exec_") || event.action == "top" || event.action == "attach" ||
      event.action == "resize") {
    return;
  }
  if (event.action == "destroy") {
    model_.Forget(event.actor_id);
    callbacks_.on_removed(event.actor_id);
    return;
  }
  if (auto refreshed = model_.Refresh(context.Within(std::chrono::seconds(30)), event.actor_id);
      !refreshed) {
    spdlog::warn("container {} could not be read after its event '{}': {}", event.actor_id,
                 event.action, refreshed.error().message);
  }
  if (event.action == "die") callbacks_.on_ended(event.actor_id);
}

}  // namespace dockershimd::shim::node
