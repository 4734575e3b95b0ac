#pragma once

#include <string>

#include "base/call_context.h"
#include "base/result.h"
#include "shim/network/cni_network.h"
#include "shim/translate/records.h"
#include "shim/translate/sandbox.h"
#include "shim/translate/status.h"

namespace dockershimd::shim::service {

/// The admin's choice (--network).
enum class NetworkChoice : std::uint8_t { kAuto, kCni, kBridge };

/// Gives each pod its network: host, Docker's bridge, or CNI. Which one an existing pod has is
/// read from its sandbox, so that changing the setting never touches running pods. Thread-safe.
class PodNetworking {
 public:
  PodNetworking(NetworkChoice choice, network::CniNetwork& cni) : choice_(choice), cni_(cni) {}

  /// What a pod that is made now gets: with auto, CNI as soon as there is a configuration.
  [[nodiscard]] translate::NetworkMode ModeForNewPods();

  [[nodiscard]] network::NetworkCondition Condition(const base::CallContext& context);

  /// After the sandbox has started. Undoes itself on failure.
  [[nodiscard]] base::Status SetUp(const base::CallContext& context,
                                   const translate::SandboxRecord& sandbox);

  /// For a running sandbox, that of a former runtime too: what its network took is given back in
  /// full, also if its pause process ends before.
  [[nodiscard]] base::Status Keep(const base::CallContext& context,
                                  const translate::SandboxRecord& sandbox);

  /// True where the network can be torn down whether the pause process lives or not.
  [[nodiscard]] bool OutlivesPause(const translate::SandboxRecord& sandbox);

  /// Before the sandbox stops, unless its network outlives it; also fine afterwards, and a second
  /// time.
  [[nodiscard]] base::Status TearDown(const base::CallContext& context,
                                      const translate::SandboxRecord& sandbox);

  /// For a sandbox that somebody removed behind our back: all that is left is its id.
  [[nodiscard]] base::Status TearDownRemoved(const base::CallContext& context,
                                             const std::string& sandbox_id);

  [[nodiscard]] translate::NetworkView ViewOf(const translate::SandboxRecord& sandbox);

 private:
  NetworkChoice choice_;
  network::CniNetwork& cni_;
};

}  // namespace dockershimd::shim::service
