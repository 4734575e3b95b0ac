#pragma once

#include "base/result.h"
#include "cri/runtime/v1/api.pb.h"
#include "dockerapi/containers.h"
#include "shim/translate/engine_view.h"

namespace dockershimd::shim::translate {

/// CRI limits as Docker's. Refused, with the field's name: what the engine cannot enforce.
[[nodiscard]] base::Result<dockerapi::Resources> ToDockerResources(
    const runtime::v1::LinuxContainerResources& resources, const EngineView& engine);

/// The limits that Docker holds now: they may have been changed since creation.
[[nodiscard]] runtime::v1::LinuxContainerResources FromDockerResources(
    const dockerapi::Resources& resources, int oom_score_adj);

}  // namespace dockershimd::shim::translate
