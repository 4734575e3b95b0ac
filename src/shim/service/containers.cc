#include "shim/service/containers.h"

#include <filesystem>
#include <thread>
#include <utility>

#include "base/file.h"
#include "base/log.h"
#include "shim/service/cgroup_files.h"
#include "shim/service/container_status.h"
#include "shim/service/creation.h"
#include "shim/service/mount_sources.h"
#include "shim/service/resolv_conf.h"
#include "shim/service/rows.h"
#include "shim/translate/container.h"
#include "shim/translate/images.h"
#include "shim/translate/labels.h"
#include "shim/translate/names.h"
#include "shim/translate/resources.h"
#include "shim/translate/sandbox.h"
#include "shim/translate/status.h"

namespace dockershimd::shim::service {
namespace {

using base::Code;
using base::Fail;
using base::Result;
using runtime::v1::ContainerState;

/// How long a container's removal waits until its log is written.
constexpr std::chrono::seconds kLogLimit(10);
constexpr std::chrono::milliseconds kRemovalCheck(50);

/// Pods of dockershim and cri-dockerd have a link to Docker's own file there, which kubelet
/// reads as it is.
bool IsLink(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::is_symlink(path, ignored);
}

/// Somebody else is removing it: waits until that is done.
base::Status WaitUntilGone(const base::CallContext& context, dockerapi::Client& docker,
                           const std::string& id) {
  while (!context.IsExpired() && !context.IsCancelled()) {
    const auto details = docker.InspectContainer(context, id);
    if (!details && details.error().code == Code::kNotFound) return {};
    std::this_thread::sleep_for(kRemovalCheck);
  }
  return Fail(Code::kDeadlineExceeded, "container {} is still being removed by Docker", id);
}

/// A container may look into the processes of its own pod only.
base::Status CheckTarget(const node::Model& model, const translate::SandboxRecord& pod,
                         const runtime::v1::NamespaceOption& options) {
  if (options.pid() != runtime::v1::NamespaceMode::TARGET || options.target_id().empty()) return {};
  const auto target = model.FindContainer(options.target_id());
  if (!target) return Fail(target.error(), "namespace_options.target_id");
  if ((*target)->sandbox_id != pod.details.id) {
    return Fail(Code::kInvalidArgument,
                "namespace_options.target_id: container {} is not in pod sandbox {}",
                options.target_id(), pod.details.id);
  }
  if (!(*target)->details.state.running) {
    return Fail(Code::kFailedPrecondition, "namespace_options.target_id: container {} does not run",
                options.target_id());
  }
  return {};
}

}  // namespace

Result<dockerapi::ContainerSpec> Containers::SpecOf(
    const base::CallContext& context, const runtime::v1::CreateContainerRequest& request,
    const translate::SandboxRecord& pod) {
  const auto facts = engine_.Facts();
  if (!facts) return Fail(facts.error());
  const auto& security = request.config().linux().security_context();
  if (auto checked = CheckTarget(model_, pod, security.namespace_options()); !checked) {
    return Fail(checked.error());
  }
  std::shared_ptr<const translate::ImageAccounts> accounts;
  if (translate::NeedsAccounts(security)) {
    const auto image = translate::LookupReference(request.config().image());
    if (!image) return Fail(image.error());
    auto found = users_.Of(context, *image);
    if (!found) return Fail(found.error());
    accounts = std::move(*found);
  }
  auto config = request.config();
  if (auto prepared = PrepareMountSources(&config); !prepared) return Fail(prepared.error());
  auto sub_mounts = SubMountsOf(config);
  if (!sub_mounts) return Fail(sub_mounts.error());
  const auto sandbox_config =
      request.has_sandbox_config() ? request.sandbox_config() : pod.config.Get();
  return translate::ContainerSpecOf({.asked = request.config(),
                                     .config = config,
                                     .sandbox_config = sandbox_config,
                                     .sandbox_id = pod.details.id,
                                     .runtime_handler = pod.runtime_handler,
                                     .sub_mounts = std::move(*sub_mounts),
                                     .accounts = accounts.get()},
                                    (*facts)->view,
                                    [](const std::string& path) { return base::ReadFile(path); });
}

base::Status Containers::ApplyCgroupFiles(const std::string& id,
                                          const runtime::v1::LinuxContainerResources& resources) {
  const auto facts = engine_.Facts();
  if (!facts) return Fail(facts.error());
  const auto files = translate::CgroupFilesOf(resources, (*facts)->view);
  if (!files) return Fail(files.error());
  const auto container = model_.FindContainer(id);
  if (!container) return Fail(container.error());
  const int pid = (*container)->details.state.pid;
  return pid == 0 ? base::Status() : WriteCgroupFiles(pid, id, *files);
}

Result<runtime::v1::CreateContainerResponse> Containers::Create(
    const base::CallContext& context, const runtime::v1::CreateContainerRequest& request) {
  if (auto checked = translate::CheckContainerConfig(request.config()); !checked) {
    return Fail(checked.error());
  }
  const auto sandbox = model_.FindSandbox(request.pod_sandbox_id());
  if (!sandbox) return Fail(sandbox.error());
  const auto& pod = **sandbox;
  const auto pod_config = pod.config.Get();
  if (!pod.details.state.running) {
    return Fail(Code::kFailedPrecondition, "pod sandbox {} ({}) does not run", pod.details.id,
                translate::Describe(pod_config.metadata()));
  }
  const auto spec = SpecOf(context, request, pod);
  if (!spec) return Fail(spec.error());
  // We may have ended in the midst of making the pod.
  if (model_.ContainersOf(pod.details.id).empty()) {
    if (auto written = WriteResolvConf(pod); !written) return Fail(written.error());
  }

  const auto remove_stale = [&](const std::string& id) -> base::Status {
    if (auto refreshed = model_.Refresh(context, id); !refreshed) return refreshed;
    const auto holder = model_.FindContainer(id);
    if (holder && (*holder)->details.state.running) {
      return Fail(Code::kAlreadyExists, "container {} already runs under this name", id);
    }
    return RemoveNow(context, id);
  };
  const std::string name =
      translate::ContainerName(pod_config.metadata(), request.config().metadata());
  auto id = CreateNamed(context, docker_, name, *spec, remove_stale);
  if (!id && id.error().code == Code::kNotFound) {
    return Fail(Code::kNotFound, "image '{}' is not on this node: pull it first ({})",
                request.config().image().image(), id.error().message);
  }
  if (!id) return Fail(id.error());
  const auto hold = model_.TakeInHand(*id);
  if (auto refreshed = model_.Refresh(context, *id); !refreshed) {
    (void)docker_.RemoveContainer(base::CallContext::ForCleanup(), *id, true);
    return Fail(refreshed.error(), "read the new container " + *id);
  }
  runtime::v1::CreateContainerResponse response;
  response.set_container_id(*id);
  return response;
}

Result<std::optional<logs::LogStream>> Containers::LogOf(
    const translate::ContainerRecord& container) const {
  const std::string& path = container.log_path;
  if (path.empty() || IsLink(path)) return std::nullopt;
  const auto facts = engine_.Facts();
  if (!facts) return Fail(facts.error());
  const auto& id = container.details.id;
  const auto config = container.config.Get();
  logs::LogStream stream;
  stream.container_id = id;
  stream.description =
      fmt::format("{} ({})", translate::LabelOr(config.labels(), "io.kubernetes.pod.name"),
                  config.metadata().name());
  stream.cri_log = path;
  stream.tty = container.tty;
  if (container.log_driver == "json-file") {
    // Docker tells the path only once the container has run.
    stream.docker_log =
        container.docker_log_path.empty()
            ? fmt::format("{}/containers/{}/{}-json.log", (*facts)->info.root_dir, id, id)
            : container.docker_log_path;
  }
  return stream;
}

Result<runtime::v1::StartContainerResponse> Containers::Start(
    const base::CallContext& context, const runtime::v1::StartContainerRequest& request) {
  const auto container = model_.FindContainer(request.container_id());
  if (!container) return Fail(container.error());
  const std::string& id = (*container)->details.id;
  const auto state = translate::ContainerStateOf(**container);
  if (state == ContainerState::CONTAINER_RUNNING) {
    OnStarted(id);
    return runtime::v1::StartContainerResponse();
  }
  if (state != ContainerState::CONTAINER_CREATED) {
    return Fail(Code::kFailedPrecondition,
                "container {} has run already ({}); create a new one instead of starting it again",
                id, runtime::v1::ContainerState_Name(state));
  }
  const auto log = LogOf(**container);
  if (!log) return Fail(log.error());
  if (*log) {
    if (auto followed = logs_.Follow(**log); !followed) {
      return Fail(followed.error(), "open the log of container " + id);
    }
  }
  const auto hold = model_.TakeInHand(id);
  const auto started = docker_.StartContainer(context, id);
  const bool is_unanswered = !started && !started.error().http_status;
  if (is_unanswered) unanswered_.Lock()->insert(id);
  // Whatever came of it is what the next status must say.
  const auto refreshed = model_.Refresh(base::CallContext::ForCleanup(), id);
  if (!started) {
    // Without an answer from Docker it may have started, or do so yet.
    is_unanswered ? OnStarted(id) : logs_.Finish(id);
    return Fail(started.error(), "start container " + (*container)->config.Get().metadata().name());
  }
  if (!refreshed) return Fail(refreshed.error());
  if (auto limited = LimitOrStop(**container); !limited) return Fail(limited.error());
  return runtime::v1::StartContainerResponse();
}

base::Status Containers::LimitOrStop(const translate::ContainerRecord& container) {
  const std::string& id = container.details.id;
  const auto config = container.config.Get();
  auto applied = ApplyCgroupFiles(id, config.linux().resources());
  // It must not run without a limit that it was to have.
  if (!applied) (void)Kill(base::CallContext::ForCleanup(), id);
  return applied;
}

base::Status Containers::StopNow(const base::CallContext& context, const std::string& id,
                                 std::chrono::seconds grace) {
  if (grace == std::chrono::seconds(0)) return Kill(context, id);
  const auto hold = model_.TakeInHand(id);
  return AfterEnd(docker_.StopContainer(context, id, grace), id);
}

base::Status Containers::Kill(const base::CallContext& context, const std::string& id) {
  const auto hold = model_.TakeInHand(id);
  auto killed = docker_.KillContainer(context, id, "KILL");
  // It has ended by itself.
  if (!killed && killed.error().code == Code::kAlreadyExists) killed = {};
  return AfterEnd(killed, id);
}

base::Status Containers::AfterEnd(const base::Status& ended, const std::string& id) {
  const auto refreshed = model_.Refresh(base::CallContext::ForCleanup(), id);
  if (!ended && ended.error().code != Code::kNotFound) return ended;
  return refreshed;
}

Result<runtime::v1::StopContainerResponse> Containers::Stop(
    const base::CallContext& context, const runtime::v1::StopContainerRequest& request) {
  const auto container = model_.FindContainer(request.container_id());
  if (!container && container.error().code == Code::kNotFound) {
    return runtime::v1::StopContainerResponse();
  }
  if (!container) return Fail(container.error());
  if (translate::ContainerStateOf(**container) == ContainerState::CONTAINER_RUNNING) {
    const std::chrono::seconds grace(std::max<std::int64_t>(0, request.timeout()));
    if (auto stopped = StopNow(context, (*container)->details.id, grace); !stopped) {
      return Fail(stopped.error());
    }
  }
  return runtime::v1::StopContainerResponse();
}

void Containers::RemoveLogLink(const translate::ContainerRecord& container) {
  const std::string& path = container.log_path;
  if (path.empty() || !IsLink(path)) return;
  std::error_code ignored;
  std::filesystem::remove(path, ignored);
}

base::Status Containers::RemoveNow(const base::CallContext& context, const std::string& id) {
  const auto container = model_.FindContainer(id);
  if (container && (*container)->details.state.running) {
    if (auto killed = Kill(context, id); !killed) return killed;
  }
  // Docker's copy of the log goes with the container: ours must be complete first.
  if (container) (void)ResumeLog(**container, false);
  if (auto written = logs_.FinishAndWait(context.Within(kLogLimit), id); !written) {
    spdlog::warn("the end of container {}'s log may be lost: {}", id, written.error().message);
  }
  const auto hold = model_.TakeInHand(id);
  auto removed = docker_.RemoveContainer(context, id, true);
  if (!removed && removed.error().code == Code::kAlreadyExists) {
    removed = WaitUntilGone(context, docker_, id);
  }
  if (!removed && removed.error().code != Code::kNotFound) return removed;
  if (container) RemoveLogLink(**container);
  logs_.Forget(id);
  model_.Forget(id);
  return {};
}

Result<runtime::v1::RemoveContainerResponse> Containers::Remove(
    const base::CallContext& context, const runtime::v1::RemoveContainerRequest& request) {
  const auto container = model_.FindContainer(request.container_id());
  if (!container && container.error().code != Code::kNotFound) return Fail(container.error());
  if (container) {
    if (auto removed = RemoveNow(context, (*container)->details.id); !removed) {
      return Fail(removed.error());
    }
  }
  return runtime::v1::RemoveContainerResponse();
}

Result<runtime::v1::ListContainersResponse> Containers::List(
    const runtime::v1::ListContainersRequest& request) const {
  runtime::v1::ListContainersResponse response;
  for (const auto& container : model_.Containers()) {
    if (translate::Matches(request.filter(), *container)) AddEncodedRow(container->row, &response);
  }
  return response;
}

Result<runtime::v1::ContainerStatusResponse> Containers::Status(
    const runtime::v1::ContainerStatusRequest& request) const {
  const auto container = model_.FindContainer(request.container_id());
  if (!container) return Fail(container.error());
  runtime::v1::ContainerStatusResponse response;
  *response.mutable_status() = StatusOf(**container);
  if (request.verbose()) {
    (*response.mutable_info())["info"] = translate::ContainerInfo(**container);
  }
  return response;
}

Result<runtime::v1::UpdateContainerResourcesResponse> Containers::UpdateResources(
    const base::CallContext& context, const runtime::v1::UpdateContainerResourcesRequest& request) {
  const auto container = model_.FindContainer(request.container_id());
  if (!container) return Fail(container.error());
  if (request.has_windows()) {
    return Fail(Code::kInvalidArgument, "windows: this is a Linux node");
  }
  if (!request.annotations().empty()) {
    return Fail(Code::kUnimplemented,
                "annotations['{}']: Docker has no resources beyond those in `linux`",
                request.annotations().begin()->first);
  }
  const auto resources = translate::ToDockerResources(request.linux());
  if (!resources) return Fail(resources.error());
  const std::string& id = (*container)->details.id;
  if (auto updated = docker_.UpdateContainer(context, id, *resources); !updated) {
    return Fail(updated.error());
  }
  // Docker has just written its own idea of some of these.
  if (auto applied = ApplyCgroupFiles(id, request.linux()); !applied) return Fail(applied.error());
  if (auto refreshed = model_.Refresh(context, id); !refreshed) return Fail(refreshed.error());
  return runtime::v1::UpdateContainerResourcesResponse();
}

Result<runtime::v1::ReopenContainerLogResponse> Containers::ReopenLog(
    const runtime::v1::ReopenContainerLogRequest& request) {
  const auto container = model_.FindContainer(request.container_id());
  if (!container) return Fail(container.error());
  if (translate::ContainerStateOf(**container) != ContainerState::CONTAINER_RUNNING) {
    return Fail(Code::kFailedPrecondition, "container {} does not run", request.container_id());
  }
  if (IsLink((*container)->log_path)) {
    return Fail(Code::kFailedPrecondition,
                "container {} was made by another runtime and logs straight to Docker's file, "
                "which Docker rotates",
                request.container_id());
  }
  if (auto reopened = logs_.Reopen((*container)->details.id); !reopened) {
    return Fail(reopened.error());
  }
  return runtime::v1::ReopenContainerLogResponse();
}

void Containers::OnStarted(const std::string& id) {
  const auto container = model_.FindContainer(id);
  if (!container || !(*container)->details.state.running) return;
  (void)ResumeLog(**container, true);
  // Later they may have been updated.
  if (unanswered_.Lock()->erase(id) == 0) return;
  if (auto limited = LimitOrStop(**container); !limited) {
    spdlog::error("container {} was stopped: {}", id, limited.error().message);
  }
}

void Containers::OnRemoved(const std::string& id) {
  logs_.Forget(id);
  unanswered_.Lock()->erase(id);
}

bool Containers::ResumeLog(const translate::ContainerRecord& container, bool runs) {
  if (translate::ContainerStateOf(container) == ContainerState::CONTAINER_CREATED) return true;
  const auto log = LogOf(container);
  if (!log) {
    spdlog::warn("the log of container {} is not followed until Docker answers: {}",
                 container.details.id, log.error().message);
    return false;
  }
  if (*log) logs_.Resume(**log, runs);
  return true;
}

void Containers::ResumeLogs() {
  bool all = true;
  for (const auto& container : model_.Containers()) {
    all &= ResumeLog(*container, container->details.state.running);
  }
  if (all) logs_.ForgetUnconfirmed();
}

}  // namespace dockershimd::shim::service
