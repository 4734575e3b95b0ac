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

/// What is kept of Docker's inspection. A node holds thousands of records: what a container's
/// config has is not kept twice, and what CRI never shows is not kept at all.
struct KeptDetails {
  std::string id;
  std::string name;  ///< with the leading "/"
  base::UnixNanos created_at = 0;
  std::string image_id;
  std::string image;  ///< as it was named at creation
  dockerapi::ContainerState state;
  std::string storage_driver;
};

/// A pod's sandbox: what Docker says of the pause container, and what CRI asked for.
struct SandboxRecord {
  KeptDetails details;
  Packed<runtime::v1::PodSandboxConfig> config;
  std::string runtime_handler;
  std::string network_mode;  ///< Docker's: none under CNI, host, bridge
  /// Its addresses in Docker's own networks.
  std::vector<std::string> docker_addresses;
  std::string cgroup_parent;
  std::string resolv_conf_path;  ///< Docker's file, which all containers of the pod see
  NetworkView network;
  /// Its row of ListPodSandbox, encoded: kubelet lists every second, and all of them each time.
  std::string row;
};

/// A container of a pod.
struct ContainerRecord {
  KeptDetails details;
  Packed<runtime::v1::ContainerConfig> config;
  std::string sandbox_id;
  std::string log_path;         ///< of the CRI log
  std::string docker_log_path;  ///< empty until it has run
  std::string log_driver;
  std::string runtime;
  std::string user;
  std::vector<std::string> group_add;
  std::string stop_signal;
  std::string upper_dir;  ///< empty with the containerd store
  dockerapi::Resources resources;
  int oom_score_adj = 0;
  bool privileged = false;
  bool tty = false;
  bool open_stdin = false;
  bool stdin_once = false;
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
