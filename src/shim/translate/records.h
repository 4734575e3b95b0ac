#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "cri/runtime/v1/api.pb.h"
#include "dockerapi/containers.h"
#include "shim/translate/packed.h"

namespace dockershimd::shim::translate {

/// A sandbox's network as it is now.
struct NetworkView {
  bool ready = false;            ///< a sandbox without its network reads NOTREADY
  std::vector<std::string> ips;  ///< pod IP first; empty under host network
};

/// A pod's sandbox: what Docker says of the pause container, and what CRI asked for.
struct SandboxRecord {
  /// Without what is in `config` already or what CRI never shows: environment, mounts, ...
  dockerapi::ContainerDetails details;
  Packed<runtime::v1::PodSandboxConfig> config;
  std::string runtime_handler;
  NetworkView network;
  /// Its row of ListPodSandbox, encoded: kubelet lists every second, and all of them each time.
  std::string row;
};

/// A container of a pod.
struct ContainerRecord {
  /// Without what is in `config` already or what CRI never shows: environment, mounts, ...
  dockerapi::ContainerDetails details;
  Packed<runtime::v1::ContainerConfig> config;
  std::string sandbox_id;
  /// Its row of ListContainers, encoded.
  std::string row;
};

/// Reads what Docker holds. Nothing for a container that is not a pod's. A sandbox has no network
/// and no row before SetNetwork.
using Record = std::variant<std::monostate, SandboxRecord, ContainerRecord>;
[[nodiscard]] Record RecordOf(dockerapi::ContainerDetails details);

/// Gives a sandbox its network, and the row that follows from it.
void SetNetwork(NetworkView network, SandboxRecord* sandbox);

/// The little that a list says, for a container that Docker cannot inspect: it must still be
/// seen, so that it can be removed.
[[nodiscard]] dockerapi::ContainerDetails DetailsFromSummary(
    const dockerapi::ContainerSummary& summary);

}  // namespace dockershimd::shim::translate
