#pragma once

#include <filesystem>
#include <string>

#include "base/result.h"

namespace dockershimd::shim::linuxos {

/// The folder of a process's cgroup. On cgroup v1 in the hierarchy of `controller`; on v2, where
/// there is but one, the controller does not matter. kNotFound when the process is gone or the
/// controller has no hierarchy. The other two arguments are for tests.
[[nodiscard]] base::Result<std::filesystem::path> CgroupFolder(
    int pid, const std::string& controller, const std::filesystem::path& proc = "/proc",
    const std::filesystem::path& cgroups = "/sys/fs/cgroup");

}  // namespace dockershimd::shim::linuxos
