#pragma once

#include <filesystem>
#include <vector>

#include "base/result.h"
#include "shim/translate/resources.h"

namespace dockershimd::shim::service {

/// Writes limits that Docker's API does not have into the cgroup of a running container's first
/// process. Fine when the process has ended meanwhile. The last two arguments are for tests.
[[nodiscard]] base::Status WriteCgroupFiles(
    int pid, const std::vector<translate::CgroupFile>& files,
    const std::filesystem::path& proc = "/proc",
    const std::filesystem::path& cgroups = "/sys/fs/cgroup");

}  // namespace dockershimd::shim::service
