#pragma once

#include "base/call_context.h"
#include "base/result.h"
#include "cri/runtime/v1/api.pb.h"
#include "dockerapi/client.h"
#include "shim/node/exec_ends.h"
#include "shim/node/model.h"

namespace dockershimd::shim::service {

/// Commands run in containers. Thread-safe.
class Execs {
 public:
  Execs(dockerapi::Client& docker, node::Model& model, node::ExecEnds& ends)
      : docker_(docker), model_(model), ends_(ends) {}

  /// Runs a command to its end. Each output is kept up to 16 MiB, as containerd does. At the
  /// request's timeout the process is killed: kDeadlineExceeded.
  [[nodiscard]] base::Result<runtime::v1::ExecSyncResponse> Sync(
      const base::CallContext& context, const runtime::v1::ExecSyncRequest& request);

 private:
  dockerapi::Client& docker_;
  node::Model& model_;
  node::ExecEnds& ends_;
};

}  // namespace dockershimd::shim::service
