#pragma once

#include <filesystem>
#include <string>
#include <unordered_set>

#include "base/result.h"
#include "cri/runtime/v1/api.pb.h"
#include "shim/translate/records.h"

namespace dockershimd::shim::service {

/// /etc/hostname, /etc/hosts and /etc/resolv.conf of pods whose network Docker has no part in: on
/// its own networks Docker makes them. One folder per sandbox. Thread-safe for different sandboxes.
class PodFiles {
 public:
  explicit PodFiles(std::filesystem::path folder) : folder_(std::move(folder)) {}

  /// Writes a running sandbox's files anew; nothing where Docker makes them.
  [[nodiscard]] base::Status Write(const translate::SandboxRecord& sandbox) const;

  /// Adds them to a container's mounts, except where it has mounts of its own there (kubelet makes
  /// /etc/hosts). Files that are gone are written again.
  [[nodiscard]] base::Status AddMounts(const translate::SandboxRecord& sandbox,
                                       runtime::v1::ContainerConfig* config) const;

  /// After the sandbox has been removed.
  void Remove(const std::string& sandbox_id) const;

  /// Removes what belongs to none of `valid`, a list of the sandboxes that is not older than two
  /// minutes.
  void RemoveLeftovers(const std::unordered_set<std::string>& valid) const;

 private:
  std::filesystem::path folder_;
};

}  // namespace dockershimd::shim::service
