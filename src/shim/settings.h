#pragma once

#include "shim/config/config.h"
#include "shim/network/cni_network.h"

namespace dockershimd::shim {

/// What CNI is to be used with, as the configuration says.
[[nodiscard]] network::CniOptions CniOptionsOf(const config::Config& config);

}  // namespace dockershimd::shim
