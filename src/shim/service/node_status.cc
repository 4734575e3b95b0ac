#include "shim/service/node_status.h"

#include <fmt/format.h>

#include "shim/version.h"

namespace dockershimd::shim::service {
namespace {

using base::Fail;
using base::Result;

void AddCondition(runtime::v1::StatusResponse* response, const char* type, bool ready,
                  const std::string& reason, const std::string& message) {
  auto& condition = *response->mutable_status()->add_conditions();
  condition.set_type(type);
  condition.set_status(ready);
  if (ready) return;
  condition.set_reason(reason);
  condition.set_message(message);
}

void AddHandler(runtime::v1::StatusResponse* response, const std::string& name) {
  auto& handler = *response->add_runtime_handlers();
  handler.set_name(name);
  handler.mutable_features()->set_recursive_read_only_mounts(true);
  handler.mutable_features()->set_user_namespaces(false);
}

}  // namespace

base::Status NodeStatus::PodsKnown() const {
  const auto engine = watcher_.Condition();
  if (engine.pods_known) return {};
  return Fail(base::Code::kUnavailable, "{}", engine.message);
}

Result<runtime::v1::VersionResponse> NodeStatus::Version() const {
  const auto facts = engine_.Facts();
  if (!facts) return Fail(facts.error());
  runtime::v1::VersionResponse response;
  response.set_version("0.1.0");
  // The name and version of what runs the containers, as dockershim gave them.
  response.set_runtime_name("docker");
  response.set_runtime_version((*facts)->version.version);
  response.set_runtime_api_version("v1");
  return response;
}

Result<runtime::v1::StatusResponse> NodeStatus::Status(
    const base::CallContext& context, const runtime::v1::StatusRequest& request) const {
  runtime::v1::StatusResponse response;
  const auto engine = watcher_.Condition();
  AddCondition(&response, "RuntimeReady", engine.ready, "DockerNotReady", engine.message);
  const auto network = networking_.Condition(context);
  AddCondition(&response, "NetworkReady", network.ready, network.reason, network.message);
  const auto facts = engine_.Facts();
  if (!facts) return response;

  const auto& view = (*facts)->view;
  AddHandler(&response, "");
  for (const auto& name : view.runtimes) AddHandler(&response, name);
  response.mutable_features()->set_supplemental_groups_policy(true);
  if (request.verbose()) {
    const auto& info = (*facts)->info;
    auto& shown = *response.mutable_info();
    shown["docker"] = fmt::format(
        R"({{"version":"{}","apiVersion":"{}","storageDriver":"{}","cgroupDriver":"{}",)"
        R"("cgroupVersion":"{}","rootDir":"{}","liveRestore":{},"containerdImageStore":{}}})",
        (*facts)->version.version, view.features.api.ToString(), info.storage_driver,
        info.cgroup_driver, info.cgroup_version, info.root_dir, info.live_restore,
        view.features.containerd_image_store);
    shown["cni"] = cni_.DescribeConfiguration();
    shown["dockershimd"] = fmt::format(R"({{"version":"{}"}})", kVersion);
  }
  return response;
}

Result<runtime::v1::RuntimeConfigResponse> NodeStatus::RuntimeConfig() const {
  const auto facts = engine_.Facts();
  if (!facts) return Fail(facts.error());
  runtime::v1::RuntimeConfigResponse response;
  response.mutable_linux()->set_cgroup_driver((*facts)->view.features.systemd_cgroups
                                                  ? runtime::v1::CgroupDriver::SYSTEMD
                                                  : runtime::v1::CgroupDriver::CGROUPFS);
  return response;
}

Result<runtime::v1::UpdateRuntimeConfigResponse> NodeStatus::UpdateRuntimeConfig(
    const runtime::v1::UpdateRuntimeConfigRequest& request) {
  const auto& cidr = request.runtime_config().network_config().pod_cidr();
  if (!cidr.empty()) {
    if (auto set = cni_.SetPodCidr(cidr); !set) return Fail(set.error());
  }
  return runtime::v1::UpdateRuntimeConfigResponse();
}

}  // namespace dockershimd::shim::service
