#pragma once

#include <chrono>
#include <filesystem>

#include "base/result.h"

namespace dockershimd::shim::adoption {

/// Puts a link to Docker's own log file at a container's CRI log path, as dockershim and
/// cri-dockerd have it there. A log in CRI's format that is in the way is kept under the name that
/// kubelet gives to rotated logs, so that kubelet removes it in its time. Returns whether anything
/// had to be done.
[[nodiscard]] base::Result<bool> LinkLogToDocker(const std::filesystem::path& cri_log,
                                                 const std::filesystem::path& docker_log,
                                                 std::chrono::system_clock::time_point now);

}  // namespace dockershimd::shim::adoption
