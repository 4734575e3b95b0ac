#pragma once

#include "dockerapi/system.h"
#include "shim/check/finding.h"

namespace dockershimd::shim::check {

/// What of Docker itself matters for pods: versions, cgroups, storage, logs, live restore.
/// `systemd_runs`: systemd is this machine's init.
[[nodiscard]] Findings JudgeEngine(const dockerapi::EngineInfo& info, dockerapi::ApiVersion api,
                                   bool systemd_runs);

}  // namespace dockershimd::shim::check
