#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "cri/runtime/v1/api.pb.h"
#include "dockerapi/containers.h"
#include "shim/network/pod_network.h"
#include "shim/translate/engine_view.h"
#include "shim/translate/security.h"

namespace dockershimd::shim::translate {

/// Who gives a pod its network.
enum class NetworkMode : std::uint8_t {
  kCni,           ///< plugins, after the sandbox has started in an empty namespace
  kDockerBridge,  ///< Docker itself, with published ports
};

/// Refuses what RunPodSandbox cannot work with: missing metadata, a missing name or namespace.
[[nodiscard]] base::Status CheckSandboxConfig(const runtime::v1::PodSandboxConfig& config);

/// The pause container for a pod.
[[nodiscard]] base::Result<dockerapi::ContainerSpec> SandboxSpec(
    const runtime::v1::PodSandboxConfig& config, const std::string& runtime_handler,
    const std::string& sandbox_image, NetworkMode network_mode, const EngineView& engine,
    const ProfileReader& read_profile);

/// "tcp", "udp" or "sctp", as Docker and CNI call them.
[[nodiscard]] std::string ProtocolName(runtime::v1::Protocol protocol);

[[nodiscard]] bool UsesHostNetwork(const runtime::v1::PodSandboxConfig& config);

/// What the network modules ask about a pod. `netns_path` may be empty for a pod that has ended.
[[nodiscard]] network::PodNetworkRequest NetworkRequest(const runtime::v1::PodSandboxConfig& config,
                                                        const std::string& sandbox_id,
                                                        const std::string& netns_path);

/// The content of /etc/resolv.conf for the pod's DNS config.
[[nodiscard]] std::string ResolvConf(const runtime::v1::DNSConfig& dns);

/// The cgroup parent as Docker wants it: with the systemd driver the slice's name alone.
[[nodiscard]] std::string CgroupParent(const std::string& cri_parent, const EngineView& engine);

/// Docker's runtime for a CRI runtime handler; empty for the engine's default. An unknown handler
/// is refused, as the RuntimeClass of the pod names something that this node does not have.
[[nodiscard]] base::Result<std::string> RuntimeOf(const std::string& handler,
                                                  const EngineView& engine);

/// Refuses namespaces that Docker cannot make: a user namespace per pod.
[[nodiscard]] base::Status CheckNamespaces(const runtime::v1::NamespaceOption& options);

}  // namespace dockershimd::shim::translate
