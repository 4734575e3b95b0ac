#pragma once

#include "base/result.h"
#include "shim/translate/records.h"

namespace dockershimd::shim::service {

/// Puts the pod's DNS settings into the resolv.conf that all its containers have, unless they are
/// there. A pod without DNS settings keeps the host's, which Docker has put there.
[[nodiscard]] base::Status WriteResolvConf(const translate::SandboxRecord& sandbox);

}  // namespace dockershimd::shim::service
