#pragma once

#include "base/result.h"
#include "cri/runtime/v1/api.pb.h"
#include "shim/translate/mounts.h"

namespace dockershimd::shim::service {

/// Makes the host side of a container's bind mounts ready, as containerd does: a missing folder
/// is created, a symbolic link is resolved (Docker would bind the link's own parent otherwise).
[[nodiscard]] base::Status PrepareMountSources(runtime::v1::ContainerConfig* config);

/// What is mounted now below the sources of recursive read-only mounts.
[[nodiscard]] base::Result<translate::SubMounts> SubMountsOf(
    const runtime::v1::ContainerConfig& config);

}  // namespace dockershimd::shim::service
