#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace dockershimd::shim::linuxos {

/// Puts an interface with these addresses into a network namespace if there is none of that name;
/// never into this process's own. True if it has made one, also if an address is missing, which is
/// then in the log. Plugins such as bridge learn from a pod's interface which firewall rules are
/// the pod's, and leave them behind once it has gone (DEL was killed half-way, an admin deleted
/// it). It is a bridge device, which cannot leave its namespace whatever a plugin does, and stays
/// down.
[[nodiscard]] base::Result<bool> MakeStandInInterface(const std::string& netns_path,
                                                      const std::string& name,
                                                      const std::vector<std::string>& addresses);

/// Removes what MakeStandInInterface has made, unless a plugin has done so.
[[nodiscard]] base::Status RemoveStandInInterface(const std::string& netns_path,
                                                  const std::string& name);

}  // namespace dockershimd::shim::linuxos
