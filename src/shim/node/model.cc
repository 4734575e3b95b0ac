#include "shim/node/model.h"

#include <algorithm>
#include <chrono>
#include <unordered_set>
#include <utility>

#include "base/log.h"
#include "shim/translate/labels.h"

namespace dockershimd::shim::node {
namespace {

using base::CallContext;
using base::Code;
using base::Fail;
using base::Result;

/// How long one container may hold up the others.
constexpr std::chrono::seconds kInspectLimit(10);

/// The exit code of what SIGKILL has ended.
constexpr int kKilled = 137;

/// Docker answered, but could not tell: other containers may be fine.
bool IsAboutThisContainer(const base::Error& error) {
  return error.http_status.has_value() && error.code != Code::kUnavailable;
}

Result<std::vector<dockerapi::ContainerSummary>> ListPods(dockerapi::Client& docker,
                                                          const CallContext& context) {
  auto summaries = docker.ListContainers(context, {std::string(translate::kTypeLabel)});
  if (!summaries) return Fail(summaries.error(), "list the node's containers");
  return summaries;
}

bool LooksLike(const translate::KeptDetails& details, const dockerapi::ContainerSummary& summary) {
  return details.state.status == summary.state &&
         (summary.names.empty() || summary.names.front() == details.name);
}

}  // namespace

void Model::Announce(const State& state, std::vector<Change> changes) const {
  if (!state.complete || !hooks_.on_change) return;
  for (auto& change : changes) hooks_.on_change(std::move(change));
}

void Model::Store(dockerapi::ContainerDetails details, SteadyNanos read_at) {
  auto& state_of = details.state;
  const bool killed = !state_of.running && state_of.exit_code == kKilled;
  if (killed && !state_of.oom_killed && hooks_.was_oom_killed) {
    state_of.oom_killed = hooks_.was_oom_killed(details.id);
  }
  auto record = translate::RecordOf(std::move(details));
  if (auto* sandbox = std::get_if<translate::SandboxRecord>(&record)) {
    translate::SetNetwork(hooks_.network_of(*sandbox), sandbox);
    auto stored = std::make_shared<const translate::SandboxRecord>(std::move(*sandbox));
    auto state = state_.Lock();
    Announce(*state, state->pods.Put(std::move(stored), read_at));
  } else if (auto* container = std::get_if<translate::ContainerRecord>(&record)) {
    auto stored = std::make_shared<const translate::ContainerRecord>(std::move(*container));
    auto state = state_.Lock();
    Announce(*state, state->pods.Put(std::move(stored), read_at));
  }
}

base::Status Model::Take(const CallContext& context, const dockerapi::ContainerSummary& summary) {
  const auto refreshed = Refresh(context.Within(kInspectLimit), summary.id);
  if (refreshed) return {};
  // Docker may hang at one container's lock and answer for all others.
  const bool hangs = refreshed.error().code == Code::kDeadlineExceeded && !context.IsExpired();
  if (!hangs && !IsAboutThisContainer(refreshed.error())) return refreshed;
  if (Knows(summary.id) && !Differs(summary)) {
    spdlog::warn("container {} cannot be inspected, taken as it was: {}", summary.id,
                 refreshed.error().message);
    return {};
  }
  spdlog::warn("container {} ({}) cannot be inspected, shown as its list entry says: {}",
               summary.id, summary.names.empty() ? "" : summary.names.front(),
               refreshed.error().message);
  const auto lease = refreshing_.Lock(context, summary.id);
  if (!lease) return Fail(lease.error(), "read container " + summary.id);
  Store(translate::DetailsFromSummary(summary), 0);
  return {};
}

std::vector<std::string> Model::KnownIds() const {
  std::vector<std::string> ids;
  for (const auto& sandbox : Sandboxes()) ids.push_back(sandbox->details.id);
  for (const auto& container : Containers()) ids.push_back(container->details.id);
  return ids;
}

base::Status Model::Rebuild(const CallContext& context) {
  // Whoever comes while this runs is not in the list, and stays.
  const auto known_before = KnownIds();
  const auto summaries = ListPods(docker_, context);
  if (!summaries) return Fail(summaries.error());
  std::unordered_set<std::string> listed;
  for (const auto& summary : *summaries) {
    listed.insert(summary.id);
    if (auto taken = Take(context, summary); !taken) return taken;
  }
  for (const auto& id : known_before) {
    if (!listed.contains(id)) Forget(id);
  }
  state_.Lock()->complete = true;
  return {};
}

bool Model::Differs(const dockerapi::ContainerSummary& summary) const {
  auto state = state_.Lock();
  if (const auto container = state->pods.FindContainer(summary.id)) {
    return !LooksLike((*container)->details, summary);
  }
  if (const auto sandbox = state->pods.FindSandbox(summary.id)) {
    return !LooksLike((*sandbox)->details, summary);
  }
  return true;
}

std::optional<Life> Model::LifeOfContainer(const std::string& id) const {
  const auto container = FindContainer(id);
  return container ? std::optional(LifeOf(**container)) : std::nullopt;
}

Result<int> Model::Audit(const CallContext& context) {
  const auto known_before = KnownIds();
  const auto summaries = ListPods(docker_, context);
  if (!summaries) return Fail(summaries.error());
  int differences = 0;
  std::unordered_set<std::string> listed;
  for (const auto& summary : *summaries) {
    listed.insert(summary.id);
    const bool differs = Differs(summary);
    if (!differs && summary.state != "created") continue;
    const auto before = LifeOfContainer(summary.id);
    if (auto taken = Take(context, summary); !taken) return Fail(taken.error());
    if (differs || LifeOfContainer(summary.id) != before) ++differences;
  }
  for (const auto& id : known_before) {
    if (listed.contains(id) || !Knows(id)) continue;
    ++differences;
    Forget(id);
  }
  return differences;
}

Model::Hold Model::TakeInHand(const std::string& id) {
  ++(*in_hand_.Lock())[id].holders;
  return {*this, id};
}

bool Model::LeaveToHolder(const std::string& id, SteadyNanos news) {
  auto in_hand = in_hand_.Lock();
  const auto held = in_hand->find(id);
  if (held == in_hand->end()) return false;
  held->second.news = std::max(held->second.news, news);
  return true;
}

void Model::LetGo(const std::string& id) {
  SteadyNanos news = 0;
  {
    auto in_hand = in_hand_.Lock();
    const auto held = in_hand->find(id);
    if (--held->second.holders > 0) return;
    news = held->second.news;
    in_hand->erase(held);
  }
  if (news == 0) return;
  if (auto read = Refresh(CallContext::WithTimeout(kInspectLimit), id, news); !read) {
    spdlog::warn("container {} cannot be read after a change: {}", id, read.error().message);
  }
}

base::Status Model::Refresh(const CallContext& context, const std::string& id, SteadyNanos news) {
  const auto lease = refreshing_.Lock(context, id);
  if (!lease) return Fail(lease.error(), "read container " + id);
  if (IsNewerThan(id, news)) return {};
  const auto read_at = SteadyNow();
  auto details = docker_.InspectContainer(context, id);
  if (details) {
    Store(std::move(*details), read_at);
    return {};
  }
  if (details.error().code != Code::kNotFound) return Fail(details.error());
  auto state = state_.Lock();
  Announce(*state, state->pods.Erase(id, SteadyNow()));
  return {};
}

void Model::RefreshNetwork(const std::string& sandbox_id) {
  const auto lease = refreshing_.Lock(sandbox_id);
  const auto sandbox = FindSandbox(sandbox_id);
  if (!sandbox) return;
  auto changed = **sandbox;
  translate::SetNetwork(hooks_.network_of(changed), &changed);
  auto stored = std::make_shared<const translate::SandboxRecord>(std::move(changed));
  auto state = state_.Lock();
  const auto read_at = state->pods.ReadAt(sandbox_id).value_or(0);
  Announce(*state, state->pods.Put(std::move(stored), read_at));
}

void Model::Forget(const std::string& id) {
  // A look that began before the removal must not bring it back.
  const auto lease = refreshing_.Lock(id);
  DropNews(id);
  auto state = state_.Lock();
  Announce(*state, state->pods.Erase(id, SteadyNow()));
}

void Model::DropNews(const std::string& id) {
  auto in_hand = in_hand_.Lock();
  if (const auto held = in_hand->find(id); held != in_hand->end()) held->second.news = 0;
}

Snapshot<SandboxPtr> Model::Sandboxes() const { return state_.Lock()->pods.Sandboxes(); }

Snapshot<ContainerPtr> Model::Containers() const { return state_.Lock()->pods.Containers(); }

std::vector<ContainerPtr> Model::ContainersOf(const std::string& sandbox_id) const {
  return state_.Lock()->pods.ContainersOf(sandbox_id);
}

Result<SandboxPtr> Model::FindSandbox(const std::string& id) const {
  return state_.Lock()->pods.FindSandbox(id);
}

Result<ContainerPtr> Model::FindContainer(const std::string& id) const {
  return state_.Lock()->pods.FindContainer(id);
}

bool Model::Knows(const std::string& id) const {
  return state_.Lock()->pods.ReadAt(id).has_value();
}

bool Model::IsNewerThan(const std::string& id, SteadyNanos time) const {
  const auto state = state_.Lock();
  return std::max(state->pods.ReadAt(id).value_or(0), state->pods.ErasedAt(id).value_or(0)) > time;
}

}  // namespace dockershimd::shim::node
