#pragma once

#include <iosfwd>

#include "shim/config/config.h"

namespace dockershimd::shim::check {

/// `dockershimd check`: looks at the node as the daemon would find it and writes one line for each
/// thing looked at, with what to do about what is wrong. Changes nothing. False when something
/// would keep pods from running.
[[nodiscard]] bool CheckNode(const config::Config& config, std::ostream& out);

}  // namespace dockershimd::shim::check
