#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"

namespace dockershimd::shim::streaming {

/// Which streams of a process the client gets. With a terminal there is no stderr apart.
struct StreamChoice {
  bool tty = false;
  bool stdin_stream = false;
  bool stdout_stream = false;
  bool stderr_stream = false;
};

/// A command to run in a running container.
struct ExecRequest {
  std::string container_id;
  std::vector<std::string> command;
  StreamChoice streams;
};

/// The streams of a container's own process.
struct AttachRequest {
  std::string container_id;
  StreamChoice streams;
  bool container_tty = false;  ///< how the container was created, whatever the client asks for
  bool open_stdin = false;
  bool stdin_once = false;
};

/// Connections to ports on a pod's loopback.
struct ForwardRequest {
  std::string sandbox_id;
  /// For clients that cannot name ports themselves (WebSocket); the others may ask for any port.
  std::vector<std::uint16_t> ports;
  /// The pod's network namespace as a path, empty for the host's own; an error once the pod does
  /// not run. Asked for each connection, on a thread that may block.
  std::function<base::Result<std::string>()> network_namespace;
};

}  // namespace dockershimd::shim::streaming
