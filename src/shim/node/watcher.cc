#include "shim/node/watcher.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <utility>

#include "base/log.h"
#include "shim/translate/labels.h"

namespace dockershimd::shim::node {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr milliseconds kFirstPause(100);
/// How many probes without an answer mean that Docker hangs.
constexpr int kProbes = 3;
constexpr std::chrono::minutes kRebuildLimit(2);
constexpr seconds kRefreshLimit(10);
constexpr seconds kRetryPause(5);
/// More than one, so that a container that Docker is stuck with does not hold up the others.
constexpr int kRefreshThreads = 3;
/// Our own calls read what they changed themselves: by then the event is no news any more.
constexpr milliseconds kContainerDelay(10);
/// Changes of images come in heaps, and reading the list is slow.
constexpr milliseconds kImageDelay(50);
/// No event is older when it comes; a stamp that says so is of a wall clock that was set meanwhile.
constexpr std::chrono::nanoseconds kLongestWay = seconds(5);
/// In the queue, among the ids of containers.
constexpr const char* kAllImages = "images";

/// All that changes what CRI shows, and the ends of execs. Docker leaves out the rest: probes alone
/// make two events more each.
const dockerapi::EventOptions& Wanted() {
  static const dockerapi::EventOptions options{
      .since = 0,
      .types = {"container", "image", "network"},
      .actions = {"create", "start",  "die",    "destroy",  "oom",     "pause",      "unpause",
                  "rename", "update", "commit", "exec_die", "connect", "disconnect", "pull",
                  "tag",    "untag",  "delete", "load",     "import",  "prune"}};
  return options;
}

/// Sleeps, unless the daemon stops.
void PauseFor(const std::stop_token& stop, milliseconds pause) {
  std::mutex mutex;
  std::condition_variable_any condition;
  std::unique_lock lock(mutex);
  condition.wait_for(lock, stop, pause, [] { return false; });
}

std::string Attribute(const dockerapi::Event& event, const char* name) {
  const auto found = event.attributes.find(name);
  return found == event.attributes.end() ? std::string() : found->second;
}

}  // namespace

Watcher::Watcher(dockerapi::Client& docker, Engine& engine, Model& model, ImageCatalog& images,
                 Notices notices, Settings settings)
    : docker_(docker),
      engine_(engine),
      model_(model),
      images_(images),
      notices_(std::move(notices)),
      settings_(std::move(settings)),
      queue_([this](const std::stop_token& stop, const std::string& id,
                    SteadyNanos news) { return Refresh(stop, id, news); },
             kRefreshThreads, kRetryPause) {}

void Watcher::Start() {
  watching_ = std::jthread([this](const std::stop_token& stop) { Run(stop); });
  auditing_ = std::jthread([this](const std::stop_token& stop) { Audit(stop); });
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
    pause = std::min(pause * 2, settings_.longest_pause);
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
  std::jthread opening;
  const auto on_open = [&] {
    // Docker drops events that are not read at once: all is read anew on the side.
    opening = std::jthread([&] {
      opened = OnOpen(context);
      if (!opened) attempt.request_stop();
    });
  };
  base::Status alive;
  std::jthread probing([&](const std::stop_token& end) {
    alive = Probe(context, end);
    if (!alive) attempt.request_stop();
  });
  const auto ended =
      docker_.StreamEvents(context, Wanted(), on_open, [&](const dockerapi::Event& event) {
        OnEvent(event);
        return true;
      });
  attempt.request_stop();
  if (opening.joinable()) opening.join();
  probing.request_stop();
  probing.join();
  // Where both failed, whichever was first has ended the other.
  const bool was_given_up = !ended && ended.error().code == base::Code::kCancelled;
  if (was_given_up && !alive) return alive;
  return was_given_up && !opened ? opened : ended;
}

base::Status Watcher::Probe(const base::CallContext& context, const std::stop_token& stop) {
  for (int failures = 0; failures < kProbes;) {
    PauseFor(stop, settings_.probe_interval);
    if (stop.stop_requested() || context.IsCancelled()) return {};
    // Not a ping, which an engine with a stuck lock still answers.
    const auto answer = docker_.Info(context.Within(settings_.probe_limit));
    failures = answer ? 0 : failures + 1;
    if (!answer) spdlog::warn("Docker does not answer: {}", answer.error().message);
  }
  return base::Fail(base::Code::kUnavailable, "it does not answer any more");
}

base::Status Watcher::OnOpen(const base::CallContext& context) {
  const auto limited = context.Within(kRebuildLimit);
  if (auto loaded = engine_.Load(limited); !loaded) return loaded;
  if (auto rebuilt = model_.Rebuild(limited); !rebuilt) return rebuilt;
  // Images that cannot be listed must not keep the pods away.
  if (auto rebuilt = images_.Rebuild(limited); !rebuilt) {
    spdlog::warn("{}; trying again", rebuilt.error().message);
    queue_.Add(kAllImages, SteadyNow(), kRetryPause);
  }
  *condition_.Lock() = {.ready = true, .pods_known = true, .message = ""};
  spdlog::info("connected to Docker: {} pod sandboxes, {} containers", model_.Sandboxes().size(),
               model_.Containers().size());
  notices_.on_connected();
  return {};
}

void Watcher::OnEvent(const dockerapi::Event& event) {
  if (event.type == "image" || event.action == "commit") {
    queue_.Add(kAllImages, HappenedAt(event), kImageDelay);
  } else if (event.type == "network") {
    // Of a pod on Docker's bridge, by hand; pods on the host's network or CNI change nothing here.
    const std::string kind = Attribute(event, "type");
    const std::string id = Attribute(event, "container");
    if (kind != "host" && kind != "null" && model_.Knows(id)) {
      queue_.Add(id, HappenedAt(event), kContainerDelay);
    }
  } else if (event.action == "exec_die") {
    OnExecEnd(event);
  } else {
    OnContainerEvent(event);
  }
}

void Watcher::OnExecEnd(const dockerapi::Event& event) {
  const std::string code = Attribute(event, "exitCode");
  int exit_code = 0;
  const auto parsed = std::from_chars(code.data(), code.data() + code.size(), exit_code);
  if (parsed.ec == std::errc()) notices_.on_exec_end(Attribute(event, "execID"), exit_code);
}

/// By the clock that nobody sets: the wall clock may have been set back since something was read.
SteadyNanos Watcher::HappenedAt(const dockerapi::Event& event) const {
  const base::UnixNanos age = settings_.wall_clock() - event.time;
  return SteadyNow() - std::clamp<base::UnixNanos>(age, 0, kLongestWay.count());
}

void Watcher::OnContainerEvent(const dockerapi::Event& event) {
  if (!event.attributes.contains(std::string(translate::kTypeLabel))) return;
  // After our own removal.
  if (event.action == "destroy" && !model_.Knows(event.actor_id)) return;
  queue_.Add(event.actor_id, HappenedAt(event), kContainerDelay);
}

base::Status Watcher::Refresh(const std::stop_token& stop, const std::string& id,
                              SteadyNanos news) {
  base::CallContext context;
  context.stop = stop;
  if (id == kAllImages) {
    return images_.IsNewerThan(news) ? base::Status()
                                     : images_.Rebuild(context.Within(kRebuildLimit));
  }
  if (model_.IsNewerThan(id, news) || model_.LeaveToHolder(id, news)) return {};
  return model_.Refresh(context.Within(kRefreshLimit), id, news);
}

void Watcher::Audit(const std::stop_token& stop) {
  base::CallContext context;
  context.stop = stop;
  while (true) {
    PauseFor(stop, settings_.audit_interval);
    if (stop.stop_requested()) return;
    if (!Condition().ready) continue;
    const auto differences = model_.Audit(context.Within(kRebuildLimit));
    if (!differences) {
      spdlog::warn("the audit of the node's containers failed: {}", differences.error().message);
    } else if (*differences > 0) {
      spdlog::warn("the audit found {} containers that no event had told of", *differences);
    }
    if (auto rebuilt = images_.Rebuild(context.Within(kRebuildLimit)); !rebuilt) {
      spdlog::warn("the audit of the images failed: {}", rebuilt.error().message);
      queue_.Add(kAllImages, SteadyNow(), kRetryPause);
    }
    if (differences) notices_.on_audited();
  }
}

}  // namespace dockershimd::shim::node
