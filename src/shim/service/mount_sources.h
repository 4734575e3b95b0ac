#pragma once

#include "base/result.h"
#include "cri/runtime/v1/api.pb.h"

namespace dockershimd::shim::service {

/// Makes the host side of a container's bind mounts ready, as containerd does: a missing folder
/// is created, a symbolic link is resolved (Docker would bind the link's own parent otherwise).
[[nodiscard]] base::Status PrepareMountSources(runtime::v1::ContainerConfig* config);

}  // namespace dockershimd::shim::service
