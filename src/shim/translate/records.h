#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "cri/runtime/v1/api.pb.h"
#include "dockerapi/containers.h"

namespace dockershimd::shim::translate {

/// A pod's sandbox: what Docker says of the pause container, and what CRI asked for.
struct SandboxRecord {
  dockerapi::ContainerDetails details;
  runtime::v1::PodSandboxConfig config;
  std::string runtime_handler;
};

/// A container of a pod.
struct ContainerRecord {
  dockerapi::ContainerDetails details;
  runtime::v1::ContainerConfig config;
  std::string sandbox_id;
};

/// Reads what Docker holds. Nothing for a container that is not a pod's.
using Record = std::variant<std::monostate, SandboxRecord, ContainerRecord>;
[[nodiscard]] Record RecordOf(dockerapi::ContainerDetails details);

/// The little that a list says, for a container that Docker cannot inspect: it must still be
/// seen, so that it can be removed.
[[nodiscard]] dockerapi::ContainerDetails DetailsFromSummary(
    const dockerapi::ContainerSummary& summary);

}  // namespace dockershimd::shim::translate
