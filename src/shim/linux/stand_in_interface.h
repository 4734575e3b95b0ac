#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace dockershimd::shim::linuxos {

/// Puts an interface with these addresses into a network namespace if there is none of that name;
/// never into this process's own. Plugins such as bridge learn from a pod's interface which firewall
/// rules are the pod's, and leave them behind once it has gone (DEL was killed half-way, an admin
/// deleted it). It is a bridge device, as that can be made without netlink, stays down, and goes
/// with the namespace.
[[nodiscard]] base::Status MakeStandInInterface(const std::string& netns_path,
                                                const std::string& name,
                                                const std::vector<std::string>& addresses);

}  // namespace dockershimd::shim::linuxos
