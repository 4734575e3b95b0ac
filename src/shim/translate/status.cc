#include "shim/translate/status.h"

#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "shim/translate/container.h"
#include "shim/translate/images.h"
#include "shim/translate/labels.h"
#include "shim/translate/resources.h"

namespace dockershimd::shim::translate {
namespace {

using runtime::v1::ContainerState;
using runtime::v1::ContainerStatus;
using runtime::v1::PodSandboxState;

/// Docker keeps a container that never started as "created", with the failed start's exit code.
bool FailedToStart(const dockerapi::ContainerState& state) {
  return state.started_at == 0 && state.exit_code != 0;
}

bool HasRun(const dockerapi::ContainerState& state) {
  return state.finished_at != 0 || state.dead || state.status == "exited";
}

void FillEnd(const KeptDetails& details, ContainerStatus* status) {
  const auto& state = details.state;
  status->set_exit_code(state.exit_code);
  status->set_message(state.error);
  // Docker notes the end of a container before the beginning where both come at once.
  status->set_finished_at(std::max(state.finished_at, state.started_at));
  if (FailedToStart(state)) {
    status->set_reason("ContainerCannotRun");
    // Kubelet takes a container without times for one that was never tried.
    status->set_started_at(details.created_at);
    status->set_finished_at(details.created_at);
  } else if (state.oom_killed) {
    status->set_reason("OOMKilled");
  } else {
    status->set_reason(state.exit_code == 0 ? "Completed" : "Error");
  }
}

/// The config with CRI's own field names, as containerd and CRI-O print it.
nlohmann::json ConfigJson(const google::protobuf::Message& config) {
  std::string text;
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  (void)google::protobuf::util::MessageToJsonString(config, &text, options);
  return nlohmann::json::parse(text, nullptr, false);
}

std::string Dump(const nlohmann::json& info) {
  return info.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

PodSandboxState SandboxState(const SandboxRecord& sandbox, const NetworkView& network) {
  const bool running = sandbox.details.state.running && !sandbox.details.state.paused;
  return running && network.ready ? PodSandboxState::SANDBOX_READY
                                  : PodSandboxState::SANDBOX_NOTREADY;
}

ContainerState ContainerStateOf(const ContainerRecord& container) {
  const auto& state = container.details.state;
  if (state.running) return ContainerState::CONTAINER_RUNNING;
  if (HasRun(state) || FailedToStart(state)) return ContainerState::CONTAINER_EXITED;
  return state.status == "created" ? ContainerState::CONTAINER_CREATED
                                   : ContainerState::CONTAINER_UNKNOWN;
}

runtime::v1::PodSandbox ToPodSandbox(const SandboxRecord& sandbox, const NetworkView& network) {
  runtime::v1::PodSandbox row;
  row.set_id(sandbox.details.id);
  const auto config = sandbox.config.Get();
  *row.mutable_metadata() = config.metadata();
  row.set_state(SandboxState(sandbox, network));
  row.set_created_at(sandbox.details.created_at);
  *row.mutable_labels() = config.labels();
  *row.mutable_annotations() = config.annotations();
  row.set_runtime_handler(sandbox.runtime_handler);
  return row;
}

runtime::v1::PodSandboxStatus ToPodSandboxStatus(const SandboxRecord& sandbox,
                                                 const NetworkView& network) {
  runtime::v1::PodSandboxStatus status;
  status.set_id(sandbox.details.id);
  const auto config = sandbox.config.Get();
  *status.mutable_metadata() = config.metadata();
  status.set_state(SandboxState(sandbox, network));
  status.set_created_at(sandbox.details.created_at);
  *status.mutable_labels() = config.labels();
  *status.mutable_annotations() = config.annotations();
  status.set_runtime_handler(sandbox.runtime_handler);
  auto& shown = *status.mutable_network();
  for (std::size_t i = 0; i < network.ips.size(); ++i) {
    if (i == 0) {
      shown.set_ip(network.ips[i]);
    } else {
      shown.add_additional_ips()->set_ip(network.ips[i]);
    }
  }
  *status.mutable_linux()->mutable_namespaces()->mutable_options() =
      config.linux().security_context().namespace_options();
  return status;
}

runtime::v1::Container ToContainer(const ContainerRecord& container) {
  const auto config = container.config.Get();
  runtime::v1::Container row;
  row.set_id(container.details.id);
  row.set_pod_sandbox_id(container.sandbox_id);
  *row.mutable_metadata() = config.metadata();
  *row.mutable_image() = ImageOfContainer(config.image(), container.details.image);
  row.set_image_ref(container.details.image_id);
  row.set_image_id(container.details.image_id);
  row.set_state(ContainerStateOf(container));
  row.set_created_at(container.details.created_at);
  *row.mutable_labels() = config.labels();
  *row.mutable_annotations() = config.annotations();
  return row;
}

ContainerStatus ToContainerStatus(const ContainerRecord& container) {
  const auto& details = container.details;
  const auto config = container.config.Get();
  ContainerStatus status;
  status.set_id(details.id);
  *status.mutable_metadata() = config.metadata();
  status.set_state(ContainerStateOf(container));
  status.set_created_at(details.created_at);
  status.set_started_at(details.state.started_at);
  if (status.state() == ContainerState::CONTAINER_EXITED) FillEnd(details, &status);
  *status.mutable_image() = ImageOfContainer(config.image(), details.image);
  status.set_image_ref(details.image_id);
  status.set_image_id(details.image_id);
  *status.mutable_labels() = config.labels();
  *status.mutable_annotations() = config.annotations();
  *status.mutable_mounts() = config.mounts();
  status.set_log_path(container.log_path);
  *status.mutable_resources()->mutable_linux() =
      FromDockerResources(container.resources, container.oom_score_adj, config.linux().resources());
  status.set_stop_signal(StopSignalOf(container.stop_signal));
  return status;
}

void FillUser(const ContainerRecord& container, ContainerStatus* status) {
  const auto number = [](std::string_view text) -> std::optional<std::int64_t> {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
  };
  const std::string_view text = container.user;
  const auto colon = text.find(':');
  if (colon == std::string_view::npos) return;
  const auto uid = number(text.substr(0, colon));
  const auto gid = number(text.substr(colon + 1));
  if (!uid || !gid) return;
  auto& user = *status->mutable_user()->mutable_linux();
  user.set_uid(*uid);
  user.set_gid(*gid);
  // The first group is in the list as well, as in the kernel's.
  std::set<std::int64_t> groups = {*gid};
  for (const auto& group : container.group_add) {
    if (const auto id = number(group)) groups.insert(*id);
  }
  user.mutable_supplemental_groups()->Assign(groups.begin(), groups.end());
}

std::string SandboxInfo(const SandboxRecord& sandbox) {
  const auto& details = sandbox.details;
  return Dump({{"pid", details.state.pid},
               {"processStatus", details.state.status},
               {"image", details.image},
               {"runtimeHandler", sandbox.runtime_handler},
               {"snapshotter", details.storage_driver},
               {"config", ConfigJson(sandbox.config.Get())}});
}

std::string ContainerInfo(const ContainerRecord& container) {
  const auto& details = container.details;
  return Dump({{"sandboxID", container.sandbox_id},
               {"pid", details.state.pid},
               {"processStatus", details.state.status},
               {"removing", details.state.status == "removing"},
               {"snapshotter", details.storage_driver},
               {"runtimeType", container.runtime},
               {"privileged", container.privileged},
               {"user", container.user},
               {"config", ConfigJson(container.config.Get())}});
}

bool Matches(const runtime::v1::PodSandboxFilter& filter, const SandboxRecord& sandbox) {
  return sandbox.details.id.starts_with(filter.id()) &&
         (!filter.has_state() ||
          filter.state().state() == SandboxState(sandbox, sandbox.network)) &&
         LabelsMatch(filter.label_selector(), sandbox.config);
}

bool Matches(const runtime::v1::ContainerFilter& filter, const ContainerRecord& container) {
  return container.details.id.starts_with(filter.id()) &&
         container.sandbox_id.starts_with(filter.pod_sandbox_id()) &&
         (!filter.has_state() || filter.state().state() == ContainerStateOf(container)) &&
         LabelsMatch(filter.label_selector(), container.config);
}

}  // namespace dockershimd::shim::translate
