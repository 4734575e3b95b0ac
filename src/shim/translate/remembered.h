#pragma once

#include <string>

#include "cri/runtime/v1/api.pb.h"
#include "dockerapi/containers.h"

namespace dockershimd::shim::translate {

/// What CRI asked for, as the value of a Docker label: Docker is the only database. Labels and
/// annotations are in it, although Docker has them as labels, too: there an image's labels are
/// among them, and those that would pass for ours are left out. A container's environment, which
/// may hold secrets, is not.
[[nodiscard]] std::string RememberSandbox(const runtime::v1::PodSandboxConfig& config);
[[nodiscard]] std::string RememberContainer(const runtime::v1::ContainerConfig& config);

/// The config back from Docker, exactly as it was given. For containers of the in-tree
/// dockershim or cri-dockerd, which left no such label, it is put together from the name and from
/// what Docker knows.
[[nodiscard]] runtime::v1::PodSandboxConfig RecallSandbox(
    const dockerapi::ContainerDetails& details);
[[nodiscard]] runtime::v1::ContainerConfig RecallContainer(
    const dockerapi::ContainerDetails& details);

}  // namespace dockershimd::shim::translate
