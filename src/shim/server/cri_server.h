#pragma once

#include <chrono>
#include <memory>
#include <vector>

#include "base/result.h"
#include "shim/server/listening_socket.h"

namespace grpc {
class Service;
}

namespace dockershimd::shim::server {

/// The gRPC server on our own listening socket. Its health service says SERVING while it runs.
class CriServer {
 public:
  /// Serves at once. The services must outlive the server.
  [[nodiscard]] static base::Result<std::unique_ptr<CriServer>> Start(
      ListeningSocket socket, const std::vector<grpc::Service*>& services);

  virtual ~CriServer() = default;

  /// Takes no more calls and waits for those that run; what still runs after `grace` is cancelled.
  virtual void Shutdown(std::chrono::milliseconds grace) = 0;
};

}  // namespace dockershimd::shim::server
