#pragma once

#include <filesystem>

#include "base/result.h"
#include "shim/translate/records.h"

namespace dockershimd::shim::service {

/// Puts the pod's DNS settings into the resolv.conf that all its containers have, unless they are
/// there; the host's for a pod without any, where Docker would put servers of its own choice in the
/// place of those that it leaves out. `root` is for tests.
[[nodiscard]] base::Status WriteResolvConf(const translate::SandboxRecord& sandbox,
                                           const std::filesystem::path& root = "/");

}  // namespace dockershimd::shim::service
