#pragma once

#include "base/call_context.h"
#include "base/result.h"
#include "cri/runtime/v1/api.pb.h"
#include "shim/network/cni_network.h"
#include "shim/node/engine.h"
#include "shim/node/watcher.h"
#include "shim/service/pod_networking.h"

namespace dockershimd::shim::service {

/// What CRI asks about the runtime itself. Thread-safe.
class NodeStatus {
 public:
  NodeStatus(node::Engine& engine, const node::Watcher& watcher, PodNetworking& networking,
             network::CniNetwork& cni)
      : engine_(engine), watcher_(watcher), networking_(networking), cni_(cni) {}

  /// kUnavailable before Docker has been reached for the first time: no pods is another answer than
  /// not knowing them, and kubelet would act on it.
  [[nodiscard]] base::Status PodsKnown() const;

  [[nodiscard]] base::Result<runtime::v1::VersionResponse> Version() const;
  [[nodiscard]] base::Result<runtime::v1::StatusResponse> Status(
      const base::CallContext& context, const runtime::v1::StatusRequest& request) const;
  /// Docker's cgroup driver: kubelet takes its own from here.
  [[nodiscard]] base::Result<runtime::v1::RuntimeConfigResponse> RuntimeConfig() const;
  [[nodiscard]] base::Result<runtime::v1::UpdateRuntimeConfigResponse> UpdateRuntimeConfig(
      const runtime::v1::UpdateRuntimeConfigRequest& request);

 private:
  node::Engine& engine_;
  const node::Watcher& watcher_;
  PodNetworking& networking_;
  network::CniNetwork& cni_;
};

}  // namespace dockershimd::shim::service
