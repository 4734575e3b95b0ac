#include "shim/service/pod_networking.h"

#include <fmt/format.h>

#include "shim/translate/bandwidth.h"

namespace dockershimd::shim::service {
namespace {

/// Under CNI the sandbox's own Docker network is "none": the plugins fill the empty namespace.
bool UsesCni(const translate::SandboxRecord& sandbox) { return sandbox.network_mode == "none"; }

bool UsesHost(const translate::SandboxRecord& sandbox) { return sandbox.network_mode == "host"; }

std::string NetnsPath(const translate::SandboxRecord& sandbox) {
  const int pid = sandbox.details.state.pid;
  return pid > 0 ? fmt::format("/proc/{}/ns/net", pid) : "";
}

}  // namespace

translate::NetworkMode PodNetworking::ModeForNewPods() {
  const bool cni = choice_ == NetworkChoice::kCni ||
                   (choice_ == NetworkChoice::kAuto && cni_.HasConfiguration());
  return cni ? translate::NetworkMode::kCni : translate::NetworkMode::kDockerBridge;
}

network::NetworkCondition PodNetworking::Condition(const base::CallContext& context) {
  if (ModeForNewPods() == translate::NetworkMode::kDockerBridge) return {true, "", ""};
  return cni_.Condition(context);
}

base::Status PodNetworking::SetUp(const base::CallContext& context,
                                  const translate::SandboxRecord& sandbox) {
  if (!UsesCni(sandbox)) return {};
  const auto config = sandbox.config.Get();
  auto request = translate::NetworkRequest(config, sandbox.details.id, NetnsPath(sandbox));
  auto bandwidth = translate::BandwidthOf(config.annotations());
  if (!bandwidth) return base::Fail(bandwidth.error());
  request.bandwidth = *bandwidth;
  auto addresses = cni_.SetUp(context, request);
  if (!addresses) return base::Fail(addresses.error(), "set up the pod's network");
  return {};
}

base::Status PodNetworking::TearDown(const base::CallContext& context,
                                     const translate::SandboxRecord& sandbox) {
  if (!UsesCni(sandbox)) return {};
  const auto done = cni_.TearDown(
      context,
      translate::NetworkRequest(sandbox.config.Get(), sandbox.details.id, NetnsPath(sandbox)));
  if (!done) return base::Fail(done.error(), "tear down the pod's network");
  return {};
}

base::Status PodNetworking::Keep(const base::CallContext& context,
                                 const translate::SandboxRecord& sandbox) {
  if (!UsesCni(sandbox)) return {};
  return cni_.KeepNamespace(context, sandbox.details.id, NetnsPath(sandbox));
}

bool PodNetworking::OutlivesPause(const translate::SandboxRecord& sandbox) {
  return UsesCni(sandbox) && cni_.KeepsNamespace(sandbox.details.id);
}

base::Status PodNetworking::TearDownRemoved(const base::CallContext& context,
                                            const std::string& sandbox_id) {
  network::PodNetworkRequest request;
  request.pod.sandbox_id = sandbox_id;
  return cni_.TearDown(context, request);
}

translate::NetworkView PodNetworking::ViewOf(const translate::SandboxRecord& sandbox) {
  // The network of a sandbox that does not run is nobody's concern: it is not ready anyway.
  if (!sandbox.details.state.running || UsesHost(sandbox)) return {true, {}};
  auto ips = UsesCni(sandbox) ? cni_.Addresses(sandbox.details.id, NetnsPath(sandbox)).ips
                              : sandbox.docker_addresses;
  const bool ready = !ips.empty();
  return {ready, std::move(ips)};
}

}  // namespace dockershimd::shim::service
