#pragma once

#include <functional>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "base/result.h"

namespace dockershimd::shim::linuxos {

/// Runs `work` on a thread of its own inside the network namespace at `path`
/// ("/proc/<pid>/ns/net") and waits for it: no thread of the daemon ever changes its own.
/// kNotFound when the namespace is gone.
[[nodiscard]] base::Status VisitNetworkNamespace(const std::string& path,
                                                 const std::function<void()>& work);

/// The same for work with a result of its own (base::Result of anything). What it makes there,
/// such as a socket, stays in that namespace and works on any thread.
template <class Work>
[[nodiscard]] std::invoke_result_t<Work> InNetworkNamespace(const std::string& path, Work work) {
  std::optional<std::invoke_result_t<Work>> result;
  const auto visited = VisitNetworkNamespace(path, [&] { result.emplace(work()); });
  if (!visited) return base::Fail(visited.error());
  return std::move(*result);
}

/// Sets the interface `lo` of a namespace up.
[[nodiscard]] base::Status BringLoopbackUp(const std::string& netns_path);

/// Lets the interfaces of a namespace, also those to come, have IPv6 addresses: Docker forbids it
/// in those that it makes. Nothing to do on a kernel without IPv6.
[[nodiscard]] base::Status AllowIpv6(const std::string& netns_path);

/// The global addresses of one interface in a namespace, IPv4 first. Empty where there is no such
/// interface.
[[nodiscard]] base::Result<std::vector<std::string>> InterfaceAddresses(
    const std::string& netns_path, const std::string& interface);

}  // namespace dockershimd::shim::linuxos
