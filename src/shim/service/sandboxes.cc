#include "shim/service/sandboxes.h"

#include <google/protobuf/util/message_differencer.h>

#include <utility>

#include "base/file.h"
#include "base/in_parallel.h"
#include "base/log.h"
#include "shim/service/container_status.h"
#include "shim/service/creation.h"
#include "shim/service/resolv_conf.h"
#include "shim/service/rows.h"
#include "shim/translate/names.h"
#include "shim/translate/sandbox.h"
#include "shim/translate/status.h"

namespace dockershimd::shim::service {
namespace {

using base::Code;
using base::Fail;
using base::Result;
using google::protobuf::util::MessageDifferencer;

}  // namespace

Result<base::KeyedMutex::Lease> Sandboxes::Lock(const base::CallContext& context,
                                                const std::string& key,
                                                const runtime::v1::PodSandboxMetadata& pod) {
  auto lease = changing_.Lock(context, key);
  if (!lease) return Fail(lease.error(), "pod sandbox of " + translate::Describe(pod));
  return lease;
}

Result<std::string> Sandboxes::Create(const base::CallContext& context,
                                      const runtime::v1::RunPodSandboxRequest& request) {
  const auto facts = engine_.Facts();
  if (!facts) return Fail(facts.error());
  const auto spec = translate::SandboxSpec(
      request.config(), request.runtime_handler(), image_.Reference(), networking_.ModeForNewPods(),
      (*facts)->view, [](const std::string& path) { return base::ReadFile(path); });
  if (!spec) return Fail(spec.error());
  const std::string name = translate::SandboxName(request.config().metadata());
  const auto create = [&] {
    return CreateNamed(context, docker_, name, *spec,
                       [&](const std::string& id) { return RemoveStale(context, id); });
  };
  auto id = create();
  // Somebody's "docker image prune" may have taken the image since we loaded it.
  if (!id && id.error().code == Code::kNotFound) {
    if (auto ensured = image_.Ensure(context); !ensured) return Fail(ensured.error());
    id = create();
  }
  return id;
}

base::Status Sandboxes::RemoveStale(const base::CallContext& context, const std::string& id) {
  const auto lock = changing_.Lock(context, id);
  if (!lock) return Fail(lock.error(), "pod sandbox " + id);
  if (auto refreshed = model_.Refresh(context, id); !refreshed) return refreshed;
  const auto holder = model_.FindSandbox(id);
  if (holder) {
    const auto state = translate::SandboxState(**holder, (*holder)->network);
    if (state == runtime::v1::PodSandboxState::SANDBOX_READY) {
      return Fail(Code::kAlreadyExists, "pod sandbox {} ({}) already runs under this name", id,
                  translate::Describe((*holder)->config.Get().metadata()));
    }
  }
  return RemoveLocked(context, id);
}

Result<node::SandboxPtr> Sandboxes::StartPause(const base::CallContext& context,
                                               const std::string& id) {
  const auto hold = model_.TakeInHand(id);
  if (auto started = docker_.StartContainer(context, id); !started) {
    return Fail(started.error(), "start the sandbox");
  }
  if (auto refreshed = model_.Refresh(context, id); !refreshed) return Fail(refreshed.error());
  auto sandbox = model_.FindSandbox(id);
  if (!sandbox) return Fail(sandbox.error());
  if (!(*sandbox)->details.state.running) {
    return Fail(Code::kInternal, "the pause process ended at once with code {}: {}",
                (*sandbox)->details.state.exit_code, (*sandbox)->details.state.error);
  }
  return sandbox;
}

base::Status Sandboxes::BringUp(const base::CallContext& context, const std::string& id) {
  const auto sandbox = StartPause(context, id);
  if (!sandbox) return Fail(sandbox.error());
  if (auto written = WriteResolvConf(**sandbox); !written) return written;
  if (auto up = networking_.SetUp(context, **sandbox); !up) return up;
  model_.RefreshNetwork(id);
  return {};
}

std::optional<runtime::v1::RunPodSandboxResponse> Sandboxes::FindSame(
    const base::CallContext& context, const std::string& name,
    const runtime::v1::RunPodSandboxRequest& request) {
  const auto holder = docker_.InspectContainer(context, name);
  if (!holder) return std::nullopt;
  const auto sandbox = model_.FindSandbox(holder->id);
  const bool same = sandbox && (*sandbox)->runtime_handler == request.runtime_handler() &&
                    MessageDifferencer::Equals((*sandbox)->config.Get(), request.config());
  if (!same) return std::nullopt;
  runtime::v1::RunPodSandboxResponse response;
  response.set_pod_sandbox_id(holder->id);
  return response;
}

Result<runtime::v1::RunPodSandboxResponse> Sandboxes::Run(
    const base::CallContext& context, const runtime::v1::RunPodSandboxRequest& request) {
  if (auto checked = translate::CheckSandboxConfig(request.config()); !checked) {
    return Fail(checked.error());
  }
  // Two calls for one pod: the second must see what the first has made.
  const std::string name = translate::SandboxName(request.config().metadata());
  const auto name_lock = Lock(context, name, request.config().metadata());
  if (!name_lock) return Fail(name_lock.error());
  auto id = Create(context, request);
  if (!id && id.error().code == Code::kAlreadyExists) {
    // Asked again because the answer was lost (a restart of ours, say): it is there already.
    if (const auto same = FindSame(context, name, request)) return *same;
  }
  if (!id) return Fail(id.error(), "create the sandbox");

  // Nobody else can have it for long: it has just been made.
  const auto lock = changing_.Lock(*id);
  if (auto up = BringUp(context, *id); !up) {
    // Each with time of its own: network plugins may need all of the first one's.
    auto removed = StopLocked(base::CallContext::ForCleanup(), *id);
    if (removed) removed = RemoveStopped(base::CallContext::ForCleanup(), *id);
    if (!removed) {
      spdlog::error("sandbox {} of pod {} could not be removed after a failed start: {}", *id,
                    translate::Describe(request.config().metadata()), removed.error().message);
    }
    return Fail(up.error());
  }
  runtime::v1::RunPodSandboxResponse response;
  response.set_pod_sandbox_id(*id);
  return response;
}

base::Status Sandboxes::StopLocked(const base::CallContext& context, const std::string& id) {
  std::vector<base::Task> kills;
  for (const auto& container : model_.ContainersOf(id)) {
    if (!container->details.state.running) continue;
    kills.push_back([this, &context, id = container->details.id] {
      const auto killed = containers_.Kill(context, id);
      return killed ? killed : Fail(killed.error(), "stop container " + id);
    });
  }
  if (auto killed = base::InParallel(kills); !killed) return killed;
  const auto sandbox = model_.FindSandbox(id);
  if (!sandbox) return {};
  const base::Task tear_down = [&] { return networking_.TearDown(context, **sandbox); };
  if (!(*sandbox)->details.state.running) return tear_down();
  const base::Task kill_pause = [&] { return containers_.Kill(context, id); };
  if (networking_.OutlivesPause(**sandbox)) return base::InParallel({tear_down, kill_pause});
  if (auto down = tear_down(); !down) return down;
  return kill_pause();
}

base::Status Sandboxes::RemoveLocked(const base::CallContext& context, const std::string& id) {
  if (auto stopped = StopLocked(context, id); !stopped) return stopped;
  return RemoveStopped(context, id);
}

base::Status Sandboxes::RemoveStopped(const base::CallContext& context, const std::string& id) {
  std::vector<base::Task> removals;
  for (const auto& container : model_.ContainersOf(id)) {
    removals.push_back([this, &context, id = container->details.id] {
      const auto removed = containers_.RemoveNow(context, id);
      return removed ? removed : Fail(removed.error(), "remove container " + id);
    });
  }
  if (auto removed = base::InParallel(removals); !removed) return removed;
  // Last, so that a crash before leaves a pod that kubelet sees and removes.
  return containers_.RemoveNow(context, id);
}

Result<runtime::v1::StopPodSandboxResponse> Sandboxes::Stop(
    const base::CallContext& context, const runtime::v1::StopPodSandboxRequest& request) {
  const auto sandbox = model_.FindSandbox(request.pod_sandbox_id());
  if (!sandbox && sandbox.error().code != Code::kNotFound) return Fail(sandbox.error());
  if (sandbox) {
    const std::string& id = (*sandbox)->details.id;
    const auto lock = Lock(context, id, (*sandbox)->config.Get().metadata());
    if (!lock) return Fail(lock.error());
    if (auto stopped = StopLocked(context, id); !stopped) return Fail(stopped.error());
  }
  return runtime::v1::StopPodSandboxResponse();
}

Result<runtime::v1::RemovePodSandboxResponse> Sandboxes::Remove(
    const base::CallContext& context, const runtime::v1::RemovePodSandboxRequest& request) {
  const auto sandbox = model_.FindSandbox(request.pod_sandbox_id());
  if (!sandbox && sandbox.error().code != Code::kNotFound) return Fail(sandbox.error());
  if (sandbox) {
    const std::string& id = (*sandbox)->details.id;
    const auto lock = Lock(context, id, (*sandbox)->config.Get().metadata());
    if (!lock) return Fail(lock.error());
    if (auto removed = RemoveLocked(context, id); !removed) return Fail(removed.error());
  }
  return runtime::v1::RemovePodSandboxResponse();
}

Result<runtime::v1::PodSandboxStatusResponse> Sandboxes::Status(
    const runtime::v1::PodSandboxStatusRequest& request) const {
  const auto sandbox = model_.FindSandbox(request.pod_sandbox_id());
  if (!sandbox) return Fail(sandbox.error());
  runtime::v1::PodSandboxStatusResponse response;
  *response.mutable_status() = translate::ToPodSandboxStatus(**sandbox, (*sandbox)->network);
  // With these, a kubelet that follows the events needs no further call.
  response.set_timestamp(base::WallClockNow());
  for (const auto& container : model_.ContainersOf((*sandbox)->details.id)) {
    *response.add_containers_statuses() = StatusOf(*container);
  }
  if (request.verbose()) {
    (*response.mutable_info())["info"] = translate::SandboxInfo(**sandbox);
  }
  return response;
}

Result<runtime::v1::ListPodSandboxResponse> Sandboxes::List(
    const runtime::v1::ListPodSandboxRequest& request) const {
  runtime::v1::ListPodSandboxResponse response;
  for (const auto& sandbox : model_.Sandboxes()) {
    if (translate::Matches(request.filter(), *sandbox)) AddEncodedRow(sandbox->row, &response);
  }
  return response;
}

Result<runtime::v1::UpdatePodSandboxResourcesResponse> Sandboxes::UpdateResources(
    const runtime::v1::UpdatePodSandboxResourcesRequest& request) const {
  const auto sandbox = model_.FindSandbox(request.pod_sandbox_id());
  if (!sandbox) return Fail(sandbox.error());
  // The pod's cgroup is the kubelet's, which has just changed it; none of Docker's limits follow.
  return runtime::v1::UpdatePodSandboxResourcesResponse();
}

void Sandboxes::OnRemoved(const std::string& id) {
  const auto down = networking_.TearDownRemoved(base::CallContext::ForCleanup(), id);
  if (!down) {
    spdlog::warn("the network of the removed sandbox {} could not be given back: {}", id,
                 down.error().message);
  }
}

}  // namespace dockershimd::shim::service
