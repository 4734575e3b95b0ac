#include <charconv>

#include "dockerapi/decode.h"
#include "dockerapi/json_util.h"

namespace dockershimd::dockerapi {
namespace {

using base::Fail;
using base::Result;

/// A time that cannot be read is not worth losing the container for.
base::UnixNanos TimeOf(const Json& object, const char* name) {
  return base::ParseRfc3339(StringOf(object, name)).value_or(0);
}

std::uint16_t PortNumber(std::string_view text) {
  std::uint16_t port = 0;
  std::from_chars(text.data(), text.data() + text.size(), port);
  return port;
}

ContainerState StateOf(const Json& json) {
  ContainerState state;
  state.status = StringOf(json, "Status");
  state.running = BoolOf(json, "Running");
  state.paused = BoolOf(json, "Paused");
  state.oom_killed = BoolOf(json, "OOMKilled");
  state.dead = BoolOf(json, "Dead");
  state.pid = Int32Of(json, "Pid");
  state.exit_code = Int32Of(json, "ExitCode");
  state.error = StringOf(json, "Error");
  state.started_at = TimeOf(json, "StartedAt");
  state.finished_at = TimeOf(json, "FinishedAt");
  return state;
}

Resources ResourcesOf(const Json& json) {
  Resources resources;
  resources.memory_bytes = IntOf(json, "Memory");
  resources.memory_swap_bytes = IntOf(json, "MemorySwap");
  resources.cpu_shares = IntOf(json, "CpuShares");
  resources.cpu_period_us = IntOf(json, "CpuPeriod");
  resources.cpu_quota_us = IntOf(json, "CpuQuota");
  resources.cpuset_cpus = StringOf(json, "CpusetCpus");
  resources.cpuset_mems = StringOf(json, "CpusetMems");
  if (Member(json, "PidsLimit").is_number()) resources.pids_limit = IntOf(json, "PidsLimit");
  return resources;
}

std::vector<PortBinding> PortsOf(const Json& json) {
  std::vector<PortBinding> bindings;
  if (!json.is_object()) return bindings;
  for (const auto& [key, hosts] : json.items()) {
    const auto slash = key.find('/');
    if (!hosts.is_array()) continue;
    for (const Json& host : hosts) {
      bindings.push_back({PortNumber(key.substr(0, slash)),
                          slash == std::string::npos ? "tcp" : key.substr(slash + 1),
                          StringOf(host, "HostIp"), PortNumber(StringOf(host, "HostPort"))});
    }
  }
  return bindings;
}

Mount MountOf(const Json& json) {
  Mount mount;
  mount.type = StringOf(json, "Type");
  mount.source = StringOf(json, "Source");
  mount.target = StringOf(json, "Target");
  mount.read_only = BoolOf(json, "ReadOnly");
  const Json& options = Member(json, "BindOptions");
  mount.propagation = StringOf(options, "Propagation");
  mount.non_recursive = BoolOf(options, "NonRecursive");
  mount.read_only_non_recursive = BoolOf(options, "ReadOnlyNonRecursive");
  mount.read_only_force_recursive = BoolOf(options, "ReadOnlyForceRecursive");
  mount.image_subpath = StringOf(Member(json, "ImageOptions"), "Subpath");
  return mount;
}

void ReadDevices(const Json& json, HostConfig& host) {
  for (const Json& device : ListOf(json, "Devices")) {
    host.devices.push_back({StringOf(device, "PathOnHost"), StringOf(device, "PathInContainer"),
                            StringOf(device, "CgroupPermissions")});
  }
  for (const Json& request : ListOf(json, "DeviceRequests")) {
    host.device_requests.push_back({StringOf(request, "Driver"), StringsOf(request, "DeviceIDs")});
  }
  for (const Json& limit : ListOf(json, "Ulimits")) {
    host.ulimits.push_back({StringOf(limit, "Name"), IntOf(limit, "Soft"), IntOf(limit, "Hard")});
  }
}

void ReadNamespaces(const Json& json, HostConfig& host) {
  host.cgroup_parent = StringOf(json, "CgroupParent");
  host.network_mode = StringOf(json, "NetworkMode");
  host.ipc_mode = StringOf(json, "IpcMode");
  host.pid_mode = StringOf(json, "PidMode");
  host.uts_mode = StringOf(json, "UTSMode");
  host.userns_mode = StringOf(json, "UsernsMode");
  host.cgroupns_mode = StringOf(json, "CgroupnsMode");
  host.sysctls = StringMapOf(json, "Sysctls");
}

void ReadSecurity(const Json& json, HostConfig& host) {
  host.cap_add = StringsOf(json, "CapAdd");
  host.cap_drop = StringsOf(json, "CapDrop");
  host.security_opt = StringsOf(json, "SecurityOpt");
  host.group_add = StringsOf(json, "GroupAdd");
  host.privileged = BoolOf(json, "Privileged");
  host.read_only_rootfs = BoolOf(json, "ReadonlyRootfs");
  host.masked_paths = OptionalStringsOf(json, "MaskedPaths");
  host.readonly_paths = OptionalStringsOf(json, "ReadonlyPaths");
}

HostConfig HostConfigOf(const Json& json) {
  HostConfig host;
  host.resources = ResourcesOf(json);
  ReadNamespaces(json, host);
  host.binds = StringsOf(json, "Binds");
  for (const Json& mount : ListOf(json, "Mounts")) host.mounts.push_back(MountOf(mount));
  host.tmpfs = StringMapOf(json, "Tmpfs");
  host.port_bindings = PortsOf(Member(json, "PortBindings"));
  ReadDevices(json, host);
  ReadSecurity(json, host);
  host.dns = StringsOf(json, "Dns");
  host.dns_search = StringsOf(json, "DnsSearch");
  host.dns_options = StringsOf(json, "DnsOptions");
  host.extra_hosts = StringsOf(json, "ExtraHosts");
  host.annotations = StringMapOf(json, "Annotations");
  host.runtime = StringOf(json, "Runtime");
  host.log_driver = StringOf(Member(json, "LogConfig"), "Type");
  host.log_options = StringMapOf(Member(json, "LogConfig"), "Config");
  host.shm_size_bytes = IntOf(json, "ShmSize");
  host.oom_score_adj = Int32Of(json, "OomScoreAdj");
  return host;
}

ContainerSpec SpecOf(const Json& json) {
  const std::vector<std::string> no_healthcheck = {"NONE"};
  const Json& config = Member(json, "Config");
  ContainerSpec spec;
  spec.hostname = StringOf(config, "Hostname");
  spec.domainname = StringOf(config, "Domainname");
  spec.user = StringOf(config, "User");
  spec.image = StringOf(config, "Image");
  spec.working_dir = StringOf(config, "WorkingDir");
  spec.stop_signal = StringOf(config, "StopSignal");
  spec.environment = StringsOf(config, "Env");
  spec.entrypoint = OptionalStringsOf(config, "Entrypoint");
  spec.command = OptionalStringsOf(config, "Cmd");
  spec.labels = StringMapOf(config, "Labels");
  spec.exposed_ports = KeysOf(config, "ExposedPorts");
  spec.tty = BoolOf(config, "Tty");
  spec.open_stdin = BoolOf(config, "OpenStdin");
  spec.stdin_once = BoolOf(config, "StdinOnce");
  spec.disable_healthcheck = StringsOf(Member(config, "Healthcheck"), "Test") == no_healthcheck;
  spec.host = HostConfigOf(Member(json, "HostConfig"));
  return spec;
}

std::vector<MountPoint> MountPointsOf(const Json& list) {
  std::vector<MountPoint> points;
  for (const Json& item : list) {
    points.push_back({StringOf(item, "Type"), StringOf(item, "Source"),
                      StringOf(item, "Destination"), StringOf(item, "Propagation"),
                      BoolOf(item, "RW")});
  }
  return points;
}

std::map<std::string, EndpointSettings> NetworksOf(const Json& json) {
  std::map<std::string, EndpointSettings> networks;
  if (!json.is_object()) return networks;
  for (const auto& [name, item] : json.items()) {
    networks[name] = {StringOf(item, "IPAddress"), StringOf(item, "GlobalIPv6Address"),
                      StringOf(item, "Gateway")};
  }
  return networks;
}

ContainerSummary SummaryOf(const Json& item) {
  ContainerSummary summary;
  summary.id = StringOf(item, "Id");
  summary.names = StringsOf(item, "Names");
  summary.image = StringOf(item, "Image");
  summary.image_id = StringOf(item, "ImageID");
  summary.created_seconds = IntOf(item, "Created");
  summary.state = StringOf(item, "State");
  summary.status = StringOf(item, "Status");
  summary.labels = StringMapOf(item, "Labels");
  return summary;
}

}  // namespace

Result<std::vector<ContainerSummary>> DecodeContainerList(std::string_view body) {
  const auto json = ParseList(body, "list containers");
  if (!json) return Fail(json.error());
  std::vector<ContainerSummary> summaries;
  summaries.reserve(json->size());
  for (const Json& item : *json) summaries.push_back(SummaryOf(item));
  std::erase_if(summaries, [](const ContainerSummary& summary) { return summary.id.empty(); });
  return summaries;
}

Result<ContainerDetails> DecodeContainer(std::string_view body) {
  const auto json = ParseObject(body, "inspect container");
  if (!json) return Fail(json.error());
  ContainerDetails details;
  details.id = StringOf(*json, "Id");
  if (details.id.empty()) {
    return Fail(base::Code::kInternal, "inspect container: Docker's answer has no Id");
  }
  details.name = StringOf(*json, "Name");
  details.created_at = TimeOf(*json, "Created");
  details.image_id = StringOf(*json, "Image");
  details.state = StateOf(Member(*json, "State"));
  details.resolv_conf_path = StringOf(*json, "ResolvConfPath");
  details.log_path = StringOf(*json, "LogPath");
  details.storage_driver = StringOf(*json, "Driver");
  details.graph_driver_data = StringMapOf(Member(*json, "GraphDriver"), "Data");
  details.mounts = MountPointsOf(ListOf(*json, "Mounts"));
  const Json& network = Member(*json, "NetworkSettings");
  details.networks = NetworksOf(Member(network, "Networks"));
  details.sandbox_key = StringOf(network, "SandboxKey");
  details.spec = SpecOf(*json);
  return details;
}

Result<int> DecodeExitCode(std::string_view body) {
  const auto json = ParseObject(body, "wait");
  if (!json) return Fail(json.error());
  const std::string error = StringOf(Member(*json, "Error"), "Message");
  if (!error.empty()) return Fail(base::Code::kInternal, "wait: docker: {}", error);
  if (!Member(*json, "StatusCode").is_number_integer()) {
    return Fail(base::Code::kInternal, "wait: Docker's answer has no StatusCode");
  }
  return Int32Of(*json, "StatusCode");
}

Result<ExecState> DecodeExec(std::string_view body) {
  const auto json = ParseObject(body, "inspect exec");
  if (!json) return Fail(json.error());
  if (!Member(*json, "Running").is_boolean()) {
    return Fail(base::Code::kInternal, "inspect exec: Docker's answer has no Running");
  }
  ExecState state;
  state.running = BoolOf(*json, "Running");
  // Null until the process has ended: an exit code of 0 must never be made up.
  const Json& code = Member(*json, "ExitCode");
  state.exit_code = code.is_number_integer() ? Int32Of(*json, "ExitCode") : -1;
  state.pid = Int32Of(*json, "Pid");
  state.container_id = StringOf(*json, "ContainerID");
  return state;
}

}  // namespace dockershimd::dockerapi
