#pragma once

#include "base/result.h"
#include "cri/runtime/v1/api.pb.h"
#include "shim/node/model.h"
#include "shim/streaming/server.h"

namespace dockershimd::shim::service {

/// Exec, attach and port-forward: checks what is asked for and leaves the rest to the streaming
/// server. Nothing happens in Docker before the client comes. Thread-safe.
class Streaming {
 public:
  Streaming(node::Model& model, streaming::Server& server) : model_(model), server_(server) {}

  [[nodiscard]] base::Result<runtime::v1::ExecResponse> Exec(
      const runtime::v1::ExecRequest& request);
  [[nodiscard]] base::Result<runtime::v1::AttachResponse> Attach(
      const runtime::v1::AttachRequest& request);
  [[nodiscard]] base::Result<runtime::v1::PortForwardResponse> PortForward(
      const runtime::v1::PortForwardRequest& request);

 private:
  [[nodiscard]] base::Result<node::ContainerPtr> RunningContainer(const std::string& id) const;

  node::Model& model_;
  streaming::Server& server_;
};

}  // namespace dockershimd::shim::service
