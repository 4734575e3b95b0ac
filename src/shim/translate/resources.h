#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "cri/runtime/v1/api.pb.h"
#include "dockerapi/containers.h"
#include "shim/translate/engine_view.h"

namespace dockershimd::shim::translate {

/// CRI limits as Docker's. Refused, with the field's name: what the engine cannot enforce.
[[nodiscard]] base::Result<dockerapi::Resources> ToDockerResources(
    const runtime::v1::LinuxContainerResources& resources);

/// A limit that Docker's API does not have: a file in the container's cgroup.
struct CgroupFile {
  bool is_hugetlb = false;  ///< on cgroup v1 in that controller's hierarchy
  std::string name;         ///< "memory.oom.group"
  std::string value;
  bool is_optional = false;  ///< fine where the kernel does not have it
};

/// Unified keys and huge page limits. Refused: unified keys on cgroup v1, names that are no file
/// of the container's own cgroup.
[[nodiscard]] base::Result<std::vector<CgroupFile>> CgroupFilesOf(
    const runtime::v1::LinuxContainerResources& resources, const EngineView& engine);

/// The limits that hold now: what Docker says, as they may have been changed since creation, and
/// from the request what Docker does not know.
[[nodiscard]] runtime::v1::LinuxContainerResources FromDockerResources(
    const dockerapi::Resources& limits, int oom_score_adj,
    const runtime::v1::LinuxContainerResources& asked);

}  // namespace dockershimd::shim::translate
