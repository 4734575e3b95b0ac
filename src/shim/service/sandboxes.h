#pragma once

#include <optional>
#include <string>

#include "base/call_context.h"
#include "base/keyed_mutex.h"
#include "base/result.h"
#include "cri/runtime/v1/api.pb.h"
#include "dockerapi/client.h"
#include "shim/node/engine.h"
#include "shim/node/model.h"
#include "shim/service/containers.h"
#include "shim/service/pod_networking.h"
#include "shim/service/sandbox_image.h"

namespace dockershimd::shim::service {

/// Pod sandboxes: CRI's sandbox calls. Thread-safe; calls that change one sandbox wait for each
/// other, different pods do not.
class Sandboxes {
 public:
  Sandboxes(dockerapi::Client& docker, node::Engine& engine, node::Model& model,
            PodNetworking& networking, Containers& containers, SandboxImage& image)
      : docker_(docker),
        engine_(engine),
        model_(model),
        networking_(networking),
        containers_(containers),
        image_(image) {}

  /// After a failure nothing of the sandbox is left.
  [[nodiscard]] base::Result<runtime::v1::RunPodSandboxResponse> Run(
      const base::CallContext& context, const runtime::v1::RunPodSandboxRequest& request);
  /// Kills the pod's containers, gives its network back, ends the pause process. Succeeds for a
  /// sandbox that has been stopped or is unknown.
  [[nodiscard]] base::Result<runtime::v1::StopPodSandboxResponse> Stop(
      const base::CallContext& context, const runtime::v1::StopPodSandboxRequest& request);
  /// As Stop, then removes all of it. Succeeds for an unknown sandbox.
  [[nodiscard]] base::Result<runtime::v1::RemovePodSandboxResponse> Remove(
      const base::CallContext& context, const runtime::v1::RemovePodSandboxRequest& request);
  [[nodiscard]] base::Result<runtime::v1::PodSandboxStatusResponse> Status(
      const runtime::v1::PodSandboxStatusRequest& request) const;
  [[nodiscard]] base::Result<runtime::v1::UpdatePodSandboxResourcesResponse> UpdateResources(
      const runtime::v1::UpdatePodSandboxResourcesRequest& request) const;
  /// Encoded rows; see rows.h.
  [[nodiscard]] base::Result<runtime::v1::ListPodSandboxResponse> List(
      const runtime::v1::ListPodSandboxRequest& request) const;

  /// Gives back what a sandbox had, for one that somebody removed.
  void OnRemoved(const std::string& id);

 private:
  /// Calls for the same key, a sandbox's id or the name it will have, wait for each other.
  [[nodiscard]] base::Result<base::KeyedMutex::Lease> Lock(
      const base::CallContext& context, const std::string& key,
      const runtime::v1::PodSandboxMetadata& pod);
  [[nodiscard]] base::Result<std::string> Create(const base::CallContext& context,
                                                 const runtime::v1::RunPodSandboxRequest& request);
  /// The answer for a sandbox that runs under this name and was asked for in the very same words.
  [[nodiscard]] std::optional<runtime::v1::RunPodSandboxResponse> FindSame(
      const base::CallContext& context, const std::string& name,
      const runtime::v1::RunPodSandboxRequest& request);
  /// Starts the pause process; the sandbox as it is then.
  [[nodiscard]] base::Result<node::SandboxPtr> StartPause(const base::CallContext& context,
                                                          const std::string& id);
  [[nodiscard]] base::Status BringUp(const base::CallContext& context, const std::string& id);
  [[nodiscard]] base::Status RemoveStale(const base::CallContext& context, const std::string& id);
  // With the sandbox's lock held:
  [[nodiscard]] base::Status StopLocked(const base::CallContext& context, const std::string& id);
  [[nodiscard]] base::Status RemoveLocked(const base::CallContext& context, const std::string& id);
  /// What StopLocked has stopped.
  [[nodiscard]] base::Status RemoveStopped(const base::CallContext& context, const std::string& id);

  dockerapi::Client& docker_;
  node::Engine& engine_;
  node::Model& model_;
  PodNetworking& networking_;
  Containers& containers_;
  SandboxImage& image_;
  base::KeyedMutex changing_;
};

}  // namespace dockershimd::shim::service
