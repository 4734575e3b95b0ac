#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "shim/translate/records.h"

namespace dockershimd::shim::node {

using SandboxPtr = std::shared_ptr<const translate::SandboxRecord>;
using ContainerPtr = std::shared_ptr<const translate::ContainerRecord>;

enum class ChangeKind : std::uint8_t { kCreated, kStarted, kStopped, kDeleted };

/// Something that happened to a sandbox or container, with its pod as it was right afterwards.
struct Change {
  ChangeKind kind = ChangeKind::kCreated;
  std::string id;  ///< of the container, or of the sandbox itself
  std::string sandbox_id;
  base::UnixNanos time = 0;  ///< later than that of every change before
  /// With a deleted sandbox's last record. Null where a container outlived its sandbox.
  SandboxPtr sandbox;
  std::vector<ContainerPtr> containers;
  /// The container's last record, where it was deleted.
  ContainerPtr deleted;

  [[nodiscard]] bool IsSandbox() const { return id == sandbox_id; }
};

/// Where a container or sandbox is in its life.
struct Life {
  bool up = false;          ///< a running container, a sandbox that is READY
  bool ended = false;       ///< it has run, or failed to
  base::UnixNanos run = 0;  ///< when its present or last run began; 0 before the first
  bool operator==(const Life&) const = default;
};
[[nodiscard]] Life LifeOf(const translate::SandboxRecord& sandbox);
[[nodiscard]] Life LifeOf(const translate::ContainerRecord& container);

/// What must have happened between two looks, in its order: a whole run may lie between them.
/// `before` is empty for something new.
[[nodiscard]] std::vector<ChangeKind> ChangesBetween(const std::optional<Life>& before,
                                                     const Life& after);

}  // namespace dockershimd::shim::node
