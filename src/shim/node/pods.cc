#include "shim/node/pods.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace dockershimd::shim::node {
namespace {

using base::Code;
using base::Fail;
using base::Result;

template <class Table>
auto Find(const Table& table, const std::string& id, std::string_view kind)
    -> Result<decltype(table.begin()->second.record)> {
  if (id.empty()) return Fail(Code::kInvalidArgument, "{} id: is required", kind);
  const auto found = table.lower_bound(id);
  if (found == table.end() || !found->first.starts_with(id)) {
    return Fail(Code::kNotFound, "{} '{}' not found", kind, id);
  }
  const auto next = std::next(found);
  if (found->first != id && next != table.end() && next->first.starts_with(id)) {
    return Fail(Code::kInvalidArgument, "{} id '{}' is ambiguous", kind, id);
  }
  return found->second.record;
}

template <class Ptr, class Table>
Snapshot<Ptr> All(const Table& table) {
  std::vector<Ptr> records;
  records.reserve(table.size());
  for (const auto& [id, entry] : table) records.push_back(entry.record);
  return Snapshot<Ptr>(std::move(records));
}

template <class Table>
std::optional<Life> LifeIn(const Table& table, const std::string& id) {
  const auto found = table.find(id);
  if (found == table.end()) return std::nullopt;
  return LifeOf(*found->second.record);
}

/// A sandbox that was paused, or lost its network, has stopped; its end then is no news.
std::vector<ChangeKind> WithoutRepeatedStops(const std::vector<ChangeKind>& kinds,
                                             bool* stop_told) {
  std::vector<ChangeKind> news;
  for (const auto kind : kinds) {
    const bool is_stop = kind == ChangeKind::kStopped;
    if (is_stop && *stop_told) continue;
    *stop_told = is_stop;
    news.push_back(kind);
  }
  return news;
}

}  // namespace

Change Pods::ChangeOf(ChangeKind kind, const std::string& id, const std::string& sandbox_id) {
  // Kubelet drops what is not newer than what it has; the clock alone may stand still or go back.
  last_change_ = std::max(base::WallClockNow(), last_change_ + 1);
  Change change{kind, id, sandbox_id, last_change_, nullptr, ContainersOf(sandbox_id), nullptr};
  const auto sandbox = sandboxes_.find(sandbox_id);
  if (sandbox != sandboxes_.end()) change.sandbox = sandbox->second.record;
  return change;
}

std::vector<Change> Pods::ChangesOf(const std::vector<ChangeKind>& kinds, const std::string& id,
                                    const std::string& sandbox_id) {
  std::vector<Change> changes;
  for (const auto kind : kinds) changes.push_back(ChangeOf(kind, id, sandbox_id));
  return changes;
}

std::vector<Change> Pods::Put(SandboxPtr sandbox, SteadyNanos read_at) {
  const std::string id = sandbox->details.id;
  const auto all_kinds = ChangesBetween(LifeIn(sandboxes_, id), LifeOf(*sandbox));
  auto& entry = sandboxes_[id];
  const auto kinds = WithoutRepeatedStops(all_kinds, &entry.stop_told);
  entry.record = std::move(sandbox);
  entry.read_at = read_at;
  all_sandboxes_.reset();
  return ChangesOf(kinds, id, id);
}

std::vector<Change> Pods::Put(ContainerPtr container, SteadyNanos read_at) {
  const std::string id = container->details.id;
  const std::string sandbox_id = container->sandbox_id;
  const auto kinds = ChangesBetween(LifeIn(containers_, id), LifeOf(*container));
  auto& entry = containers_[id];
  if (entry.record) RemoveFromPod(*entry.record);
  containers_by_sandbox_[sandbox_id].push_back(container);
  entry = {std::move(container), read_at};
  all_containers_.reset();
  return ChangesOf(kinds, id, sandbox_id);
}

void Pods::RemoveFromPod(const translate::ContainerRecord& container) {
  const auto pod = containers_by_sandbox_.find(container.sandbox_id);
  std::erase_if(pod->second, [&](const ContainerPtr& other) { return other.get() == &container; });
  if (pod->second.empty()) containers_by_sandbox_.erase(pod);
}

void Pods::NoteErased(const std::string& id, SteadyNanos now) {
  constexpr SteadyNanos kRemembered = std::chrono::nanoseconds(std::chrono::minutes(1)).count();
  std::erase_if(erased_, [&](const auto& entry) { return now - entry.second > kRemembered; });
  erased_[id] = now;
}

std::vector<Change> Pods::Erase(const std::string& id, SteadyNanos now) {
  if (!sandboxes_.contains(id) && !containers_.contains(id)) return {};
  NoteErased(id, now);
  if (sandboxes_.contains(id)) return EraseSandbox(id);
  return EraseContainer(id);
}

std::vector<Change> Pods::EraseSandbox(const std::string& id) {
  const SandboxPtr last = sandboxes_.extract(id).mapped().record;
  all_sandboxes_.reset();
  std::vector<ChangeKind> kinds;
  if (LifeOf(*last).up) kinds.push_back(ChangeKind::kStopped);
  kinds.push_back(ChangeKind::kDeleted);
  auto changes = ChangesOf(kinds, id, id);
  for (auto& change : changes) change.sandbox = last;
  return changes;
}

std::vector<Change> Pods::EraseContainer(const std::string& id) {
  const ContainerPtr last = containers_.extract(id).mapped().record;
  all_containers_.reset();
  RemoveFromPod(*last);
  std::vector<ChangeKind> kinds;
  if (LifeOf(*last).up) kinds.push_back(ChangeKind::kStopped);
  kinds.push_back(ChangeKind::kDeleted);
  auto changes = ChangesOf(kinds, id, last->sandbox_id);
  for (auto& change : changes) change.deleted = last;
  return changes;
}

std::optional<SteadyNanos> Pods::ReadAt(const std::string& id) const {
  if (const auto found = containers_.find(id); found != containers_.end()) {
    return found->second.read_at;
  }
  if (const auto found = sandboxes_.find(id); found != sandboxes_.end()) {
    return found->second.read_at;
  }
  return std::nullopt;
}

std::optional<SteadyNanos> Pods::ErasedAt(const std::string& id) const {
  const auto found = erased_.find(id);
  return found == erased_.end() ? std::nullopt : std::optional(found->second);
}

Result<SandboxPtr> Pods::FindSandbox(const std::string& id) const {
  return Find(sandboxes_, id, "pod sandbox");
}

Result<ContainerPtr> Pods::FindContainer(const std::string& id) const {
  return Find(containers_, id, "container");
}

Snapshot<SandboxPtr> Pods::Sandboxes() {
  if (!all_sandboxes_) all_sandboxes_ = All<SandboxPtr>(sandboxes_);
  return *all_sandboxes_;
}

Snapshot<ContainerPtr> Pods::Containers() {
  if (!all_containers_) all_containers_ = All<ContainerPtr>(containers_);
  return *all_containers_;
}

std::vector<ContainerPtr> Pods::ContainersOf(const std::string& sandbox_id) const {
  const auto found = containers_by_sandbox_.find(sandbox_id);
  return found == containers_by_sandbox_.end() ? std::vector<ContainerPtr>() : found->second;
}

}  // namespace dockershimd::shim::node
