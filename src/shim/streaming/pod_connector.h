#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "shim/streaming/socket.h"

namespace dockershimd::shim::streaming {

/// Connects to ports on a pod's loopback: 127.0.0.1, then ::1. Used on the loop's thread only.
class PodConnector {
 public:
  using NamespacePath = std::function<base::Result<std::string>()>;

  /// `network_namespace` as in ForwardRequest.
  PodConnector(Loop& loop, NamespacePath network_namespace, std::chrono::milliseconds limit)
      : loop_(loop), network_namespace_(std::move(network_namespace)), limit_(limit) {}

  /// The error names the reason for each address.
  [[nodiscard]] Awaitable<base::Result<std::shared_ptr<Socket>>> Connect(std::uint16_t port);

 private:
  Loop& loop_;
  NamespacePath network_namespace_;
  std::chrono::milliseconds limit_;
};

}  // namespace dockershimd::shim::streaming
