#include "shim/translate/records.h"

#include <charconv>
#include <string_view>
#include <utility>

#include "shim/translate/labels.h"
#include "shim/translate/remembered.h"
#include "shim/translate/status.h"

namespace dockershimd::shim::translate {
namespace {

/// Docker's text for people, "Exited (137) 3 minutes ago", is all that a list says of it. 255
/// where it does not even say that: nobody may take such a container for a success.
int ExitCodeIn(std::string_view status) {
  constexpr int kUnknown = 255;
  const auto open = status.find('(');
  if (open == std::string_view::npos) return kUnknown;
  int code = kUnknown;
  std::from_chars(status.data() + open + 1, status.data() + status.size(), code);
  return code;
}

KeptDetails Keep(dockerapi::ContainerDetails& details) {
  return {std::move(details.id),
          std::move(details.name),
          details.created_at,
          std::move(details.image_id),
          std::move(details.spec.image),
          std::move(details.state),
          std::move(details.storage_driver)};
}

std::vector<std::string> AddressesIn(const dockerapi::ContainerDetails& details) {
  std::vector<std::string> addresses;
  for (const auto& [name, endpoint] : details.networks) {
    if (!endpoint.ip_address.empty()) addresses.push_back(endpoint.ip_address);
    if (!endpoint.global_ipv6_address.empty()) addresses.push_back(endpoint.global_ipv6_address);
  }
  return addresses;
}

SandboxRecord SandboxOf(dockerapi::ContainerDetails& details) {
  SandboxRecord sandbox;
  sandbox.config = RecallSandbox(details);
  sandbox.runtime_handler = LabelOr(details.spec.labels, kRuntimeHandlerLabel);
  sandbox.docker_addresses = AddressesIn(details);
  sandbox.network_mode = std::move(details.spec.host.network_mode);
  sandbox.cgroup_parent = std::move(details.spec.host.cgroup_parent);
  sandbox.resolv_conf_path = std::move(details.resolv_conf_path);
  sandbox.details = Keep(details);
  return sandbox;
}

ContainerRecord ContainerOf(dockerapi::ContainerDetails& details) {
  ContainerRecord container;
  container.config = RecallContainer(details);
  auto& spec = details.spec;
  container.sandbox_id = LabelOr(spec.labels, kSandboxIdLabel);
  container.log_path = LabelOr(spec.labels, kLogPathLabel);
  container.docker_log_path = std::move(details.log_path);
  container.log_driver = std::move(spec.host.log_driver);
  container.runtime = std::move(spec.host.runtime);
  container.user = std::move(spec.user);
  container.group_add = std::move(spec.host.group_add);
  container.stop_signal = std::move(spec.stop_signal);
  container.upper_dir = LabelOr(details.graph_driver_data, "UpperDir");
  container.resources = std::move(spec.host.resources);
  container.oom_score_adj = spec.host.oom_score_adj;
  container.privileged = spec.host.privileged;
  container.tty = spec.tty;
  container.open_stdin = spec.open_stdin;
  container.stdin_once = spec.stdin_once;
  container.details = Keep(details);
  container.row = ToContainer(container).SerializeAsString();
  return container;
}

}  // namespace

Record RecordOf(dockerapi::ContainerDetails details) {
  const std::string type = LabelOr(details.spec.labels, kTypeLabel);
  if (type == kTypeSandbox) return SandboxOf(details);
  if (type == kTypeContainer) return ContainerOf(details);
  return std::monostate();
}

void SetNetwork(NetworkView network, SandboxRecord* sandbox) {
  sandbox->network = std::move(network);
  sandbox->row = ToPodSandbox(*sandbox, sandbox->network).SerializeAsString();
}

dockerapi::ContainerDetails DetailsFromSummary(const dockerapi::ContainerSummary& summary) {
  dockerapi::ContainerDetails details;
  details.id = summary.id;
  if (!summary.names.empty()) details.name = summary.names.front();
  details.created_at = summary.created_seconds * 1'000'000'000;
  details.image_id = summary.image_id;
  details.state.status = summary.state;
  details.state.running = summary.state == "running" || summary.state == "paused";
  details.state.dead = summary.state == "dead";
  if (summary.state == "exited" || details.state.dead) {
    details.state.exit_code = ExitCodeIn(summary.status);
    // Kubelet waits for an end that has a time.
    details.state.started_at = details.created_at;
    details.state.finished_at = details.created_at;
  }
  details.spec.image = summary.image;
  details.spec.labels = summary.labels;
  return details;
}

}  // namespace dockershimd::shim::translate
