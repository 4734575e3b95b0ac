#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "shim/translate/resources.h"

namespace dockershimd::shim::service {

/// Writes limits that Docker's API does not have into the cgroup of a running container, whose
/// first process is `pid`. Fine when it has ended meanwhile. `root` is for recorded trees.
[[nodiscard]] base::Status WriteCgroupFiles(int pid, const std::string& container_id,
                                            const std::vector<translate::CgroupFile>& files,
                                            const std::string& root = {});

}  // namespace dockershimd::shim::service
