#pragma once

#include <string>

#include "cri/runtime/v1/api.pb.h"

namespace dockershimd::shim::adoption {

/// What cri-dockerd keeps of a sandbox in <root>/sandbox/<sandbox id>: a JSON text with its own
/// checksum. From it come the host ports at teardown, and the pod's name once Docker has lost the
/// container. A file with a wrong checksum is thrown away by cri-dockerd.
[[nodiscard]] std::string CriDockerdCheckpoint(const runtime::v1::PodSandboxConfig& config);

}  // namespace dockershimd::shim::adoption
