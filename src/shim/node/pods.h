#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "shim/node/changes.h"
#include "shim/node/steady_clock.h"

namespace dockershimd::shim::node {

/// What was there at one moment. Cheap to copy; never changes.
template <class T>
class Snapshot {
 public:
  Snapshot() : items_(std::make_shared<const std::vector<T>>()) {}
  explicit Snapshot(std::vector<T> items)
      : items_(std::make_shared<const std::vector<T>>(std::move(items))) {}

  [[nodiscard]] auto begin() const { return items_->begin(); }
  [[nodiscard]] auto end() const { return items_->end(); }
  [[nodiscard]] std::size_t size() const { return items_->size(); }
  [[nodiscard]] bool empty() const { return items_->empty(); }

 private:
  std::shared_ptr<const std::vector<T>> items_;
};

/// The records of all pods with their indices, and what each new record changes. The data behind
/// the model; no lock, no Docker.
class Pods {
 public:
  /// Takes a record that Docker was asked for at `read_at`; returns what has happened since the
  /// record before.
  [[nodiscard]] std::vector<Change> Put(SandboxPtr sandbox, SteadyNanos read_at);
  [[nodiscard]] std::vector<Change> Put(ContainerPtr container, SteadyNanos read_at);
  [[nodiscard]] std::vector<Change> Erase(const std::string& id, SteadyNanos now);

  /// When Docker was asked for the record; empty where there is none.
  [[nodiscard]] std::optional<SteadyNanos> ReadAt(const std::string& id) const;
  /// When a record was erased; empty for one that is there, never was, or has long been gone.
  [[nodiscard]] std::optional<SteadyNanos> ErasedAt(const std::string& id) const;

  /// By full id or by an unambiguous beginning of it.
  [[nodiscard]] base::Result<SandboxPtr> FindSandbox(const std::string& id) const;
  [[nodiscard]] base::Result<ContainerPtr> FindContainer(const std::string& id) const;

  /// In the order of their ids.
  [[nodiscard]] Snapshot<SandboxPtr> Sandboxes();
  [[nodiscard]] Snapshot<ContainerPtr> Containers();
  [[nodiscard]] std::vector<ContainerPtr> ContainersOf(const std::string& sandbox_id) const;

 private:
  template <class Ptr>
  struct Entry {
    Ptr record;
    SteadyNanos read_at = 0;
    bool stop_told = false;  ///< the last change was kStopped
  };
  // Ordered, so that all ids with a given beginning stand together.
  template <class Ptr>
  using Table = std::map<std::string, Entry<Ptr>>;

  [[nodiscard]] Change ChangeOf(ChangeKind kind, const std::string& id,
                                const std::string& sandbox_id);
  [[nodiscard]] std::vector<Change> ChangesOf(const std::vector<ChangeKind>& kinds,
                                              const std::string& id, const std::string& sandbox_id);
  void RemoveFromPod(const translate::ContainerRecord& container);
  void NoteErased(const std::string& id, SteadyNanos now);
  [[nodiscard]] std::vector<Change> EraseSandbox(const std::string& id);
  [[nodiscard]] std::vector<Change> EraseContainer(const std::string& id);

  Table<SandboxPtr> sandboxes_;
  Table<ContainerPtr> containers_;
  std::unordered_map<std::string, std::vector<ContainerPtr>> containers_by_sandbox_;
  /// For a while: events about a container that is gone come after it.
  std::map<std::string, SteadyNanos> erased_;
  base::UnixNanos last_change_ = 0;
  // Made when asked for, kept until something changes.
  std::optional<Snapshot<SandboxPtr>> all_sandboxes_;
  std::optional<Snapshot<ContainerPtr>> all_containers_;
};

}  // namespace dockershimd::shim::node
