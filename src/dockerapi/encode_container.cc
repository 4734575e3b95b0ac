#include <fmt/format.h>

#include "dockerapi/containers.h"
#include "dockerapi/encode.h"
#include "dockerapi/json_util.h"

namespace dockershimd::dockerapi {
namespace {

void AddResources(const Resources& resources, Json& json) {
  SetIf(json, "Memory", resources.memory_bytes);
  SetIf(json, "MemorySwap", resources.memory_swap_bytes);
  SetIf(json, "CpuShares", resources.cpu_shares);
  SetIf(json, "CpuPeriod", resources.cpu_period_us);
  SetIf(json, "CpuQuota", resources.cpu_quota_us);
  SetIf(json, "CpusetCpus", resources.cpuset_cpus);
  SetIf(json, "CpusetMems", resources.cpuset_mems);
  if (resources.pids_limit) json["PidsLimit"] = *resources.pids_limit;
}

Json MountJson(const Mount& mount) {
  Json json = {{"Type", mount.type}, {"Target", mount.target}};
  SetIf(json, "Source", mount.source);
  SetIf(json, "ReadOnly", mount.read_only);
  if (mount.type == "image") {
    if (!mount.image_subpath.empty()) json["ImageOptions"] = {{"Subpath", mount.image_subpath}};
    return json;
  }
  Json options = Json::object();
  SetIf(options, "Propagation", mount.propagation);
  SetIf(options, "NonRecursive", mount.non_recursive);
  SetIf(options, "ReadOnlyNonRecursive", mount.read_only_non_recursive);
  SetIf(options, "ReadOnlyForceRecursive", mount.read_only_force_recursive);
  if (mount.type == "bind" && !options.empty()) json["BindOptions"] = options;
  return json;
}

void AddMounts(const HostConfig& host, Json& json) {
  SetIf(json, "Binds", host.binds);
  for (const auto& mount : host.mounts) json["Mounts"].push_back(MountJson(mount));
  SetIf(json, "Tmpfs", host.tmpfs);
}

void AddPorts(const HostConfig& host, Json& json) {
  for (const auto& port : host.port_bindings) {
    const std::string key = fmt::format("{}/{}", port.container_port, port.protocol);
    json["PortBindings"][key].push_back(
        {{"HostIp", port.host_ip},
         {"HostPort", port.host_port == 0 ? "" : std::to_string(port.host_port)}});
  }
}

void AddDevices(const HostConfig& host, Json& json) {
  for (const auto& device : host.devices) {
    json["Devices"].push_back({{"PathOnHost", device.path_on_host},
                               {"PathInContainer", device.path_in_container},
                               {"CgroupPermissions", device.cgroup_permissions}});
  }
  for (const auto& request : host.device_requests) {
    json["DeviceRequests"].push_back(
        {{"Driver", request.driver}, {"DeviceIDs", request.device_ids}});
  }
  for (const auto& limit : host.ulimits) {
    json["Ulimits"].push_back({{"Name", limit.name}, {"Soft", limit.soft}, {"Hard", limit.hard}});
  }
}

void AddNamespaces(const HostConfig& host, Json& json) {
  SetIf(json, "CgroupParent", host.cgroup_parent);
  SetIf(json, "NetworkMode", host.network_mode);
  SetIf(json, "IpcMode", host.ipc_mode);
  SetIf(json, "PidMode", host.pid_mode);
  SetIf(json, "UTSMode", host.uts_mode);
  SetIf(json, "UsernsMode", host.userns_mode);
  SetIf(json, "CgroupnsMode", host.cgroupns_mode);
  SetIf(json, "Sysctls", host.sysctls);
}

void AddSecurity(const HostConfig& host, Json& json) {
  SetIf(json, "CapAdd", host.cap_add);
  SetIf(json, "CapDrop", host.cap_drop);
  SetIf(json, "SecurityOpt", host.security_opt);
  SetIf(json, "GroupAdd", host.group_add);
  SetIf(json, "Privileged", host.privileged);
  SetIf(json, "ReadonlyRootfs", host.read_only_rootfs);
  if (host.masked_paths) json["MaskedPaths"] = *host.masked_paths;
  if (host.readonly_paths) json["ReadonlyPaths"] = *host.readonly_paths;
}

Json HostConfigJson(const HostConfig& host) {
  Json json = {{"RestartPolicy", {{"Name", "no"}}}};
  AddResources(host.resources, json);
  AddNamespaces(host, json);
  AddMounts(host, json);
  AddPorts(host, json);
  AddDevices(host, json);
  AddSecurity(host, json);
  SetIf(json, "Dns", host.dns);
  SetIf(json, "DnsSearch", host.dns_search);
  SetIf(json, "DnsOptions", host.dns_options);
  SetIf(json, "ExtraHosts", host.extra_hosts);
  SetIf(json, "Annotations", host.annotations);
  SetIf(json, "Runtime", host.runtime);
  SetIf(json, "ShmSize", host.shm_size_bytes);
  SetIf(json, "OomScoreAdj", std::int64_t{host.oom_score_adj});
  if (!host.log_driver.empty() || !host.log_options.empty()) {
    json["LogConfig"] = {{"Type", host.log_driver}, {"Config", host.log_options}};
  }
  return json;
}

}  // namespace

std::string ToJson(const ContainerSpec& spec) {
  Json json = {{"Image", spec.image}, {"HostConfig", HostConfigJson(spec.host)}};
  SetIf(json, "Hostname", spec.hostname);
  SetIf(json, "Domainname", spec.domainname);
  SetIf(json, "User", spec.user);
  SetIf(json, "WorkingDir", spec.working_dir);
  SetIf(json, "StopSignal", spec.stop_signal);
  SetIf(json, "Env", spec.environment);
  SetIf(json, "Labels", spec.labels);
  SetIf(json, "Tty", spec.tty);
  SetIf(json, "OpenStdin", spec.open_stdin);
  SetIf(json, "StdinOnce", spec.stdin_once);
  if (spec.entrypoint) json["Entrypoint"] = *spec.entrypoint;
  if (spec.command) json["Cmd"] = *spec.command;
  for (const auto& port : spec.exposed_ports) json["ExposedPorts"][port] = Json::object();
  if (spec.disable_healthcheck) json["Healthcheck"] = {{"Test", {"NONE"}}};
  return DumpJson(json);
}

std::string ToJson(const Resources& resources) {
  Json json = Json::object();
  AddResources(resources, json);
  return DumpJson(json);
}

}  // namespace dockershimd::dockerapi
