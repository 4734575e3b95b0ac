#include "shim/translate/remembered.h"

#include <google/protobuf/util/json_util.h>

#include "shim/translate/labels.h"
#include "shim/translate/names.h"

namespace dockershimd::shim::translate {
namespace {

using runtime::v1::ContainerConfig;
using runtime::v1::NamespaceMode;
using runtime::v1::NamespaceOption;
using runtime::v1::PodSandboxConfig;

std::string ToJsonText(const google::protobuf::Message& message) {
  std::string text;
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  // A message of ours always has a JSON form.
  (void)google::protobuf::util::MessageToJsonString(message, &text, options);
  return text;
}

/// False where the label is missing or is not ours. Unknown fields are those of a newer version
/// of this daemon, which an admin has rolled back: the rest still counts.
bool FromLabel(const dockerapi::Labels& labels, google::protobuf::Message* message) {
  const std::string text = LabelOr(labels, kConfigLabel);
  if (text.empty()) return false;
  google::protobuf::util::JsonParseOptions options;
  options.ignore_unknown_fields = true;
  return google::protobuf::util::JsonStringToMessage(text, message, options).ok();
}

NamespaceMode ModeOf(const std::string& docker_mode) {
  if (docker_mode == "host") return NamespaceMode::NODE;
  return docker_mode.starts_with("container:") ? NamespaceMode::POD : NamespaceMode::CONTAINER;
}

NamespaceOption NamespacesOf(const dockerapi::HostConfig& host) {
  NamespaceOption options;
  const bool host_network = host.network_mode == "host";
  options.set_network(host_network ? NamespaceMode::NODE : NamespaceMode::POD);
  options.set_ipc(host.ipc_mode == "host" ? NamespaceMode::NODE : NamespaceMode::POD);
  // Of a sandbox it does not say whether the containers share it.
  options.set_pid(ModeOf(host.pid_mode));
  return options;
}

PodSandboxConfig SandboxFromDocker(const dockerapi::ContainerDetails& details) {
  PodSandboxConfig config;
  if (const auto name = ParseName(details.name)) {
    config.mutable_metadata()->set_name(name->pod);
    config.mutable_metadata()->set_namespace_(name->pod_namespace);
    config.mutable_metadata()->set_uid(name->uid);
    config.mutable_metadata()->set_attempt(name->attempt);
  }
  FromDockerLabels(details.spec.labels, true, config.mutable_labels(),
                   config.mutable_annotations());
  config.set_hostname(details.spec.hostname);
  auto& linux_config = *config.mutable_linux();
  linux_config.set_cgroup_parent(details.spec.host.cgroup_parent);
  *linux_config.mutable_security_context()->mutable_namespace_options() =
      NamespacesOf(details.spec.host);
  for (const auto& port : details.spec.host.port_bindings) {
    auto& mapping = *config.add_port_mappings();
    mapping.set_container_port(port.container_port);
    mapping.set_host_port(port.host_port);
    mapping.set_host_ip(port.host_ip);
    mapping.set_protocol(port.protocol == "udp"    ? runtime::v1::Protocol::UDP
                         : port.protocol == "sctp" ? runtime::v1::Protocol::SCTP
                                                   : runtime::v1::Protocol::TCP);
  }
  return config;
}

runtime::v1::Mount MountFromDocker(const dockerapi::MountPoint& point) {
  runtime::v1::Mount mount;
  mount.set_host_path(point.source);
  mount.set_container_path(point.destination);
  mount.set_readonly(!point.read_write);
  if (point.propagation.ends_with("shared")) {
    mount.set_propagation(runtime::v1::MountPropagation::PROPAGATION_BIDIRECTIONAL);
  } else if (point.propagation.ends_with("slave")) {
    mount.set_propagation(runtime::v1::MountPropagation::PROPAGATION_HOST_TO_CONTAINER);
  }
  return mount;
}

ContainerConfig ContainerFromDocker(const dockerapi::ContainerDetails& details) {
  ContainerConfig config;
  if (const auto name = ParseName(details.name)) {
    config.mutable_metadata()->set_name(name->container);
    config.mutable_metadata()->set_attempt(name->attempt);
  }
  FromDockerLabels(details.spec.labels, false, config.mutable_labels(),
                   config.mutable_annotations());
  const auto& spec = details.spec;
  config.mutable_image()->set_image(spec.image);
  config.set_working_dir(spec.working_dir);
  config.set_tty(spec.tty);
  config.set_stdin(spec.open_stdin);
  config.set_stdin_once(spec.stdin_once);
  for (const auto& point : details.mounts) {
    if (point.type == "bind") *config.add_mounts() = MountFromDocker(point);
  }
  auto& security = *config.mutable_linux()->mutable_security_context();
  security.set_privileged(spec.host.privileged);
  security.set_readonly_rootfs(spec.host.read_only_rootfs);
  *security.mutable_namespace_options() = NamespacesOf(spec.host);
  return config;
}

}  // namespace

std::string RememberSandbox(const PodSandboxConfig& config) { return ToJsonText(config); }

std::string RememberContainer(const ContainerConfig& config) {
  ContainerConfig kept = config;
  kept.clear_envs();
  return ToJsonText(kept);
}

PodSandboxConfig RecallSandbox(const dockerapi::ContainerDetails& details) {
  PodSandboxConfig config;
  return FromLabel(details.spec.labels, &config) ? config : SandboxFromDocker(details);
}

ContainerConfig RecallContainer(const dockerapi::ContainerDetails& details) {
  ContainerConfig config;
  return FromLabel(details.spec.labels, &config) ? config : ContainerFromDocker(details);
}

}  // namespace dockershimd::shim::translate
