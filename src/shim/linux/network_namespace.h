#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"

namespace dockershimd::shim::linuxos {

/// Runs `work` on a thread of its own inside the network namespace at `path`
/// ("/proc/<pid>/ns/net"): no thread of the daemon ever changes its own. kNotFound when the
/// namespace is gone.
[[nodiscard]] base::Status InNetworkNamespace(const std::string& path,
                                              const std::function<base::Status()>& work);

/// Sets the interface `lo` of a namespace up.
[[nodiscard]] base::Status BringLoopbackUp(const std::string& netns_path);

/// The global addresses of one interface in a namespace, IPv4 first. Empty where there is no such
/// interface.
[[nodiscard]] base::Result<std::vector<std::string>> InterfaceAddresses(
    const std::string& netns_path, const std::string& interface);

}  // namespace dockershimd::shim::linuxos
