#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <unordered_set>

#include "base/call_context.h"
#include "base/guarded.h"
#include "base/result.h"
#include "cri/runtime/v1/api.pb.h"
#include "dockerapi/client.h"
#include "shim/logs/log_pipeline.h"
#include "shim/node/engine.h"
#include "shim/node/model.h"
#include "shim/service/image_users.h"

namespace dockershimd::shim::service {

/// The containers of pods: CRI's container calls. Thread-safe.
class Containers {
 public:
  Containers(dockerapi::Client& docker, node::Engine& engine, node::Model& model,
             logs::LogPipeline& logs)
      : docker_(docker), engine_(engine), model_(model), logs_(logs), users_(docker) {}

  [[nodiscard]] base::Result<runtime::v1::CreateContainerResponse> Create(
      const base::CallContext& context, const runtime::v1::CreateContainerRequest& request);
  [[nodiscard]] base::Result<runtime::v1::StartContainerResponse> Start(
      const base::CallContext& context, const runtime::v1::StartContainerRequest& request);
  /// Succeeds for a container that has ended or is unknown, as CRI asks.
  [[nodiscard]] base::Result<runtime::v1::StopContainerResponse> Stop(
      const base::CallContext& context, const runtime::v1::StopContainerRequest& request);
  /// Kills what still runs. Succeeds for an unknown container, as CRI asks.
  [[nodiscard]] base::Result<runtime::v1::RemoveContainerResponse> Remove(
      const base::CallContext& context, const runtime::v1::RemoveContainerRequest& request);
  /// Encoded rows; see rows.h.
  [[nodiscard]] base::Result<runtime::v1::ListContainersResponse> List(
      const runtime::v1::ListContainersRequest& request) const;
  [[nodiscard]] base::Result<runtime::v1::ContainerStatusResponse> Status(
      const runtime::v1::ContainerStatusRequest& request) const;
  [[nodiscard]] base::Result<runtime::v1::UpdateContainerResourcesResponse> UpdateResources(
      const base::CallContext& context,
      const runtime::v1::UpdateContainerResourcesRequest& request);
  [[nodiscard]] base::Result<runtime::v1::ReopenContainerLogResponse> ReopenLog(
      const runtime::v1::ReopenContainerLogRequest& request);

  /// For the time before Docker has told what there is: logs go on from where they were, and so
  /// does their rotation. kNotFound if that container's log is not among them.
  [[nodiscard]] base::Status ReopenFollowedLog(const std::string& id) { return logs_.Reopen(id); }

  // For the pod that a container belongs to:
  /// Ends a container, or the pause process, without asking it. Fine where it has ended already.
  [[nodiscard]] base::Status Kill(const base::CallContext& context, const std::string& id);
  [[nodiscard]] base::Status RemoveNow(const base::CallContext& context, const std::string& id);

  // For Docker's events:
  /// Goes on with the logs of all containers, after the daemon or the engine came back.
  void ResumeLogs();
  /// Follows the log and sets the limits, if that is not done: a start may outlive the call that
  /// asked for it.
  void OnStarted(const std::string& id);
  void OnEnded(const std::string& id) { logs_.Finish(id); }
  void OnRemoved(const std::string& id);

 private:
  /// Asks it to end, and kills it after `grace`.
  [[nodiscard]] base::Status StopNow(const base::CallContext& context, const std::string& id,
                                     std::chrono::seconds grace);
  /// The model's view of a container after its end was asked for.
  [[nodiscard]] base::Status AfterEnd(const base::Status& ended, const std::string& id);
  /// The container's translation, with all that is not in the request looked up.
  [[nodiscard]] base::Result<dockerapi::ContainerSpec> SpecOf(
      const base::CallContext& context, const runtime::v1::CreateContainerRequest& request,
      const translate::SandboxRecord& pod);
  /// Limits that only the kernel knows, not Docker.
  [[nodiscard]] base::Status ApplyCgroupFiles(
      const std::string& id, const runtime::v1::LinuxContainerResources& resources);
  /// The limits of a container that was just started; without them it does not run on.
  [[nodiscard]] base::Status LimitOrStop(const translate::ContainerRecord& container);
  /// Where the container's log comes from and goes to; nothing if that is not for us to write.
  [[nodiscard]] base::Result<std::optional<logs::LogStream>> LogOf(
      const translate::ContainerRecord& container) const;
  /// False if Docker has to say more first.
  bool ResumeLog(const translate::ContainerRecord& container, bool runs);
  void RemoveLogLink(const translate::ContainerRecord& container);

  dockerapi::Client& docker_;
  node::Engine& engine_;
  node::Model& model_;
  logs::LogPipeline& logs_;
  ImageUsers users_;
  base::Guarded<std::unordered_set<std::string>> unanswered_;  ///< starts without an answer
};

}  // namespace dockershimd::shim::service
