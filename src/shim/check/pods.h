#pragma once

#include <filesystem>
#include <vector>

#include "dockerapi/containers.h"
#include "shim/check/finding.h"

namespace dockershimd::shim::check {

/// What of pods there is in Docker already, ours and those of dockershim and cri-dockerd, which are
/// taken over.
[[nodiscard]] Finding JudgePods(const std::vector<dockerapi::ContainerSummary>& containers);

/// The other CRI runtimes that serve on this machine. `root` stands for "/".
[[nodiscard]] Findings LookForRuntimes(const std::filesystem::path& root);

}  // namespace dockershimd::shim::check
