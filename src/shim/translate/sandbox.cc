#include "shim/translate/sandbox.h"

#include <algorithm>
#include <iterator>

#include "shim/translate/labels.h"
#include "shim/translate/names.h"
#include "shim/translate/remembered.h"

namespace dockershimd::shim::translate {
namespace {

using base::Code;
using base::Fail;
using base::Result;
using runtime::v1::NamespaceMode;
using runtime::v1::NamespaceOption;
using runtime::v1::PodSandboxConfig;

/// The pause process should be the last of a pod that the kernel kills, and costs nothing.
constexpr int kSandboxOomScore = -998;
constexpr std::int64_t kSandboxCpuShares = 2;

const NamespaceOption& NamespacesOf(const PodSandboxConfig& config) {
  return config.linux().security_context().namespace_options();
}

base::Status CheckPorts(const PodSandboxConfig& config) {
  for (const auto& port : config.port_mappings()) {
    const auto bad = [](int value, int lowest) { return value < lowest || value > 65535; };
    if (bad(port.container_port(), 1) || bad(port.host_port(), 0)) {
      return Fail(Code::kInvalidArgument,
                  "port_mappings: {} -> {} is not a pair of ports (1 to 65535)", port.host_port(),
                  port.container_port());
    }
    if (!runtime::v1::Protocol_IsValid(port.protocol())) {
      return Fail(Code::kInvalidArgument, "port_mappings[{}].protocol: unknown value {}",
                  port.container_port(), static_cast<int>(port.protocol()));
    }
  }
  return {};
}

void ApplyNetwork(const PodSandboxConfig& config, NetworkMode mode,
                  dockerapi::ContainerSpec* spec) {
  if (UsesHostNetwork(config)) {
    spec->host.network_mode = "host";
    spec->host.uts_mode = "host";
    return;
  }
  spec->hostname = config.hostname();
  spec->host.network_mode = mode == NetworkMode::kCni ? "none" : "bridge";
  if (mode == NetworkMode::kCni) return;
  for (const auto& port : config.port_mappings()) {
    if (port.host_port() == 0) continue;
    const dockerapi::PortBinding binding{static_cast<std::uint16_t>(port.container_port()),
                                         ProtocolName(port.protocol()), port.host_ip(),
                                         static_cast<std::uint16_t>(port.host_port())};
    spec->exposed_ports.push_back(fmt::format("{}/{}", binding.container_port, binding.protocol));
    spec->host.port_bindings.push_back(binding);
  }
}

/// The pause image has no users: its process is who the pod says, in those groups.
base::Status ApplyUser(const runtime::v1::LinuxSandboxSecurityContext& security,
                       dockerapi::ContainerSpec* spec) {
  runtime::v1::LinuxContainerSecurityContext same;
  if (security.has_run_as_user()) *same.mutable_run_as_user() = security.run_as_user();
  if (security.has_run_as_group()) *same.mutable_run_as_group() = security.run_as_group();
  *same.mutable_supplemental_groups() = security.supplemental_groups();
  same.set_supplemental_groups_policy(security.supplemental_groups_policy());
  if (auto checked = CheckUser(same); !checked) return checked;
  spec->user = UserOf(same);
  for (const auto group : security.supplemental_groups()) {
    spec->host.group_add.push_back(std::to_string(group));
  }
  return {};
}

base::Status ApplySecurity(const runtime::v1::LinuxSandboxSecurityContext& security,
                           const EngineView& engine, const ProfileReader& read_profile,
                           dockerapi::ContainerSpec* spec) {
  if (auto applied = ApplyUser(security, spec); !applied) return applied;
  auto& options = spec->host.security_opt;
  options.emplace_back("no-new-privileges");
  for (auto& option : SelinuxOptions(security.selinux_options())) {
    options.push_back(std::move(option));
  }
  // The pause process does nothing that the default profiles forbid; a pod that may be
  // privileged runs it unconfined, as containerd does, since sysctls may need it.
  if (security.privileged()) {
    // The first mount of a network namespace's /sys decides whether it is ever writable, and
    // Docker mounts it so for privileged containers only. That of the host's network is.
    spec->host.privileged = security.namespace_options().network() != NamespaceMode::NODE;
    options.emplace_back("seccomp=unconfined");
    return {};
  }
  auto seccomp = SeccompOptions(security.has_seccomp() ? &security.seccomp() : nullptr,
                                security.seccomp_profile_path(), engine, read_profile,
                                "linux.security_context.seccomp");
  if (!seccomp) return Fail(seccomp.error());
  std::move(seccomp->begin(), seccomp->end(), std::back_inserter(options));
  auto apparmor = AppArmorOptions(security.has_apparmor() ? &security.apparmor() : nullptr, "",
                                  engine, "linux.security_context.apparmor");
  if (!apparmor) return Fail(apparmor.error());
  std::move(apparmor->begin(), apparmor->end(), std::back_inserter(options));
  return {};
}

dockerapi::Labels SandboxLabels(const PodSandboxConfig& config, const std::string& handler) {
  auto labels = ToDockerLabels(config.labels(), config.annotations());
  labels[std::string(kTypeLabel)] = kTypeSandbox;
  labels[std::string(kContainerNameLabel)] = kSandboxContainerName;
  labels[std::string(kConfigLabel)] = RememberSandbox(config);
  labels[std::string(kRuntimeHandlerLabel)] = handler;
  return labels;
}

bool ForbidsIpv6(const PodSandboxConfig& config) {
  const auto& sysctls = config.linux().sysctls();
  return std::any_of(sysctls.begin(), sysctls.end(), [](const auto& sysctl) {
    return sysctl.first.starts_with("net.ipv6.conf.") && sysctl.first.ends_with(".disable_ipv6") &&
           sysctl.second != "0";
  });
}

std::string ModeName(NamespaceMode mode) {
  const std::string name = runtime::v1::NamespaceMode_Name(mode);
  return name.empty() ? std::to_string(static_cast<int>(mode)) : name;
}

base::Status CheckUserNamespace(const NamespaceOption& options) {
  if (!options.has_userns_options()) return {};
  const auto& wanted = options.userns_options();
  if (wanted.mode() == NamespaceMode::POD) {
    return Fail(Code::kUnimplemented,
                "namespace_options.userns_options: Docker's API has no user namespace per pod; "
                "set hostUsers: true in the pod");
  }
  if (wanted.mode() != NamespaceMode::NODE || wanted.uids_size() > 0 || wanted.gids_size() > 0) {
    return Fail(Code::kInvalidArgument,
                "namespace_options.userns_options: must be NODE without uids and gids, not {}",
                ModeName(wanted.mode()));
  }
  return {};
}

}  // namespace

base::Status CheckSandboxConfig(const PodSandboxConfig& config) {
  const auto missing = [](std::string_view field) {
    return Fail(Code::kInvalidArgument, "config.metadata.{}: is required", field);
  };
  if (!config.has_metadata()) return Fail(Code::kInvalidArgument, "config.metadata: is required");
  if (config.metadata().name().empty()) return missing("name");
  if (config.metadata().namespace_().empty()) return missing("namespace");
  if (config.metadata().uid().empty()) return missing("uid");
  if (config.has_windows()) {
    return Fail(Code::kInvalidArgument, "config.windows: this is a Linux node");
  }
  return CheckPorts(config);
}

std::string ProtocolName(runtime::v1::Protocol protocol) {
  switch (protocol) {
    case runtime::v1::Protocol::UDP:
      return "udp";
    case runtime::v1::Protocol::SCTP:
      return "sctp";
    default:
      return "tcp";
  }
}

bool UsesHostNetwork(const PodSandboxConfig& config) {
  return NamespacesOf(config).network() == NamespaceMode::NODE;
}

base::Status CheckNamespaces(const NamespaceOption& options) {
  if (auto checked = CheckUserNamespace(options); !checked) return checked;
  if (options.network() != NamespaceMode::POD && options.network() != NamespaceMode::NODE) {
    return Fail(Code::kInvalidArgument,
                "namespace_options.network: a pod's network is POD or NODE, not {}",
                ModeName(options.network()));
  }
  if (!runtime::v1::NamespaceMode_IsValid(options.pid())) {
    return Fail(Code::kInvalidArgument, "namespace_options.pid: unknown value {}",
                ModeName(options.pid()));
  }
  if (options.ipc() == NamespaceMode::TARGET ||
      !runtime::v1::NamespaceMode_IsValid(options.ipc())) {
    return Fail(Code::kInvalidArgument,
                "namespace_options.ipc: is POD, CONTAINER or NODE on Docker, not {}",
                ModeName(options.ipc()));
  }
  return {};
}

Result<std::string> RuntimeOf(const std::string& handler, const EngineView& engine) {
  if (handler.empty()) return "";
  // What the in-tree dockershim called its only handler.
  if (handler == "docker") return "";
  if (engine.runtimes.contains(handler)) return handler;
  return Fail(Code::kFailedPrecondition,
              "runtime_handler: this engine has no runtime '{}' (it has: {}); add it under "
              "\"runtimes\" in daemon.json and reload dockerd",
              handler, fmt::join(engine.runtimes, ", "));
}

std::string CgroupParent(const std::string& cri_parent, const EngineView& engine) {
  if (!engine.features.systemd_cgroups) return cri_parent;
  std::string_view path = cri_parent;
  while (path.ends_with('/')) path.remove_suffix(1);
  return std::string(path.substr(path.rfind('/') + 1));
}

Result<dockerapi::ContainerSpec> SandboxSpec(const PodSandboxConfig& config,
                                             const std::string& runtime_handler,
                                             const std::string& sandbox_image,
                                             NetworkMode network_mode, const EngineView& engine,
                                             const ProfileReader& read_profile) {
  auto runtime = RuntimeOf(runtime_handler, engine);
  if (!runtime) return Fail(runtime.error());
  if (auto checked = CheckNamespaces(NamespacesOf(config)); !checked) {
    return Fail(checked.error());
  }
  dockerapi::ContainerSpec spec;
  spec.image = sandbox_image;
  spec.labels = SandboxLabels(config, runtime_handler);
  auto& host = spec.host;
  host.runtime = *runtime;
  host.cgroup_parent = CgroupParent(config.linux().cgroup_parent(), engine);
  host.resources.cpu_shares = kSandboxCpuShares;
  host.oom_score_adj = AllowedOomScore(engine, kSandboxOomScore);
  host.ipc_mode = NamespacesOf(config).ipc() == NamespaceMode::NODE ? "host" : "shareable";
  host.pid_mode = NamespacesOf(config).pid() == NamespaceMode::NODE ? "host" : "";
  host.sysctls.insert(config.linux().sysctls().begin(), config.linux().sysctls().end());
  host.read_only_rootfs = true;
  // Nothing of the pause process's output is ever read.
  host.log_driver = "none";
  ApplyNetwork(config, network_mode, &spec);
  if (auto applied = ApplySecurity(config.linux().security_context(), engine, read_profile, &spec);
      !applied) {
    return Fail(applied.error());
  }
  return spec;
}

network::PodNetworkRequest NetworkRequest(const PodSandboxConfig& config,
                                          const std::string& sandbox_id,
                                          const std::string& netns_path) {
  network::PodNetworkRequest request;
  request.pod = {sandbox_id, config.metadata().name(), config.metadata().namespace_(),
                 config.metadata().uid()};
  request.netns_path = netns_path;
  for (const auto& port : config.port_mappings()) {
    if (port.host_port() == 0) continue;
    request.ports.push_back({ProtocolName(port.protocol()),
                             static_cast<std::uint16_t>(port.container_port()),
                             static_cast<std::uint16_t>(port.host_port()), port.host_ip()});
  }
  const auto& dns = config.dns_config();
  request.dns.servers.assign(dns.servers().begin(), dns.servers().end());
  request.dns.searches.assign(dns.searches().begin(), dns.searches().end());
  request.dns.options.assign(dns.options().begin(), dns.options().end());
  request.cgroup_path = config.linux().cgroup_parent();
  request.allow_ipv6 = !ForbidsIpv6(config);
  request.annotations.insert(config.annotations().begin(), config.annotations().end());
  return request;
}

std::string ResolvConf(const runtime::v1::DNSConfig& dns) {
  std::string text;
  if (dns.searches_size() > 0) text += fmt::format("search {}\n", fmt::join(dns.searches(), " "));
  for (const auto& server : dns.servers()) text += fmt::format("nameserver {}\n", server);
  if (dns.options_size() > 0) text += fmt::format("options {}\n", fmt::join(dns.options(), " "));
  return text;
}

}  // namespace dockershimd::shim::translate
