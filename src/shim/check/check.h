#pragma once

#include "shim/check/finding.h"
#include "shim/config/config.h"

namespace dockershimd::shim::check {

/// `dockershimd check`: looks at the node as the daemon would find it: everything that joining a
/// cluster, taking pods over or moving to another runtime needs. Changes nothing.
[[nodiscard]] Findings CheckNode(const config::Config& config);

}  // namespace dockershimd::shim::check
