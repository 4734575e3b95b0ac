#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"

namespace dockershimd::dockerapi {

using Labels = std::map<std::string, std::string>;

/// One published port: `host_port` on `host_ip` (empty: all addresses) leads to `container_port`.
struct PortBinding {
  std::uint16_t container_port = 0;
  std::string protocol = "tcp";  ///< tcp, udp or sctp
  std::string host_ip;
  std::uint16_t host_port = 0;  ///< 0: Docker chooses
  bool operator==(const PortBinding&) const = default;
};

struct DeviceMapping {
  std::string path_on_host;
  std::string path_in_container;
  std::string cgroup_permissions;  ///< some of "rwm"
};

/// A request for devices by driver, e.g. driver "cdi" with qualified names as ids (API 1.46).
struct DeviceRequest {
  std::string driver;
  std::vector<std::string> device_ids;
};

struct Ulimit {
  std::string name;
  std::int64_t soft = 0;
  std::int64_t hard = 0;
};

/// HostConfig.Mounts: unlike a "-v" bind, a missing source is an error, not a new folder.
struct Mount {
  std::string type = "bind";  ///< bind, volume, tmpfs, image
  std::string source;
  std::string target;
  bool read_only = false;
  std::string propagation;  ///< private, rprivate, shared, rshared, slave, rslave; empty: Docker's
  bool non_recursive = false;
  bool read_only_non_recursive = false;    ///< API 1.44: leave sub-mounts writable
  bool read_only_force_recursive = false;  ///< API 1.44: fail if sub-mounts cannot be read-only
  std::string image_subpath;               ///< for type image, API 1.48
};

/// The limits that can also be changed on a running container (POST /containers/{id}/update).
/// Zero or empty leaves Docker's default, or the present value in an update.
struct Resources {
  std::int64_t memory_bytes = 0;
  std::int64_t memory_swap_bytes = 0;  ///< memory + swap; -1 unlimited
  std::int64_t cpu_shares = 0;
  std::int64_t cpu_period_us = 0;
  std::int64_t cpu_quota_us = 0;
  std::string cpuset_cpus;
  std::string cpuset_mems;
  std::optional<std::int64_t> pids_limit;
};

struct HostConfig {
  Resources resources;
  std::string cgroup_parent;
  std::string network_mode;   ///< none, host, bridge, default, container:<id>
  std::string ipc_mode;       ///< private, shareable, host, container:<id>
  std::string pid_mode;       ///< "", host, container:<id>
  std::string uts_mode;       ///< "" or host
  std::string userns_mode;    ///< "" or host
  std::string cgroupns_mode;  ///< "", private or host; API 1.41
  std::vector<std::string> binds;
  std::vector<Mount> mounts;
  std::vector<PortBinding> port_bindings;
  std::vector<DeviceMapping> devices;
  std::vector<DeviceRequest> device_requests;
  std::vector<Ulimit> ulimits;
  std::vector<std::string> cap_add;
  std::vector<std::string> cap_drop;
  std::vector<std::string> security_opt;
  std::vector<std::string> group_add;
  std::vector<std::string> dns;
  std::vector<std::string> dns_search;
  std::vector<std::string> dns_options;
  std::vector<std::string> extra_hosts;
  std::map<std::string, std::string> sysctls;
  std::map<std::string, std::string> annotations;  ///< OCI annotations, API 1.43
  std::map<std::string, std::string> tmpfs;
  std::string runtime;
  std::string log_driver;
  std::map<std::string, std::string> log_options;
  std::int64_t shm_size_bytes = 0;
  int oom_score_adj = 0;
  bool privileged = false;
  bool read_only_rootfs = false;
  /// Paths hidden or read-only; empty optional: Docker's default list.
  std::optional<std::vector<std::string>> masked_paths;
  std::optional<std::vector<std::string>> readonly_paths;
};

/// The body of POST /containers/create. The restart policy is always "no": who restarts a
/// container is the caller's business.
struct ContainerSpec {
  std::string hostname;
  std::string domainname;
  std::string user;
  std::string image;
  std::string working_dir;
  std::string stop_signal;
  std::vector<std::string> environment;
  /// Empty optional: the image's. An empty list clears it.
  std::optional<std::vector<std::string>> entrypoint;
  std::optional<std::vector<std::string>> command;
  Labels labels;
  std::vector<std::string> exposed_ports;  ///< "80/tcp"
  bool tty = false;
  bool open_stdin = false;
  bool stdin_once = false;
  bool disable_healthcheck = true;
  HostConfig host;
};

/// The request as Docker gets it. Public for tests and for debugging.
[[nodiscard]] std::string ToJson(const ContainerSpec& spec);

/// One row of GET /containers/json.
struct ContainerSummary {
  std::string id;
  std::vector<std::string> names;  ///< with the leading "/"
  std::string image;               ///< as it was named at creation
  std::string image_id;
  std::int64_t created_seconds = 0;
  std::string state;   ///< created, running, paused, restarting, exited, removing, dead
  std::string status;  ///< for people: "Up 3 minutes"
  Labels labels;
};

struct ContainerState {
  std::string status;  ///< as ContainerSummary::state
  bool running = false;
  bool paused = false;
  bool oom_killed = false;
  bool dead = false;
  int pid = 0;  ///< in the engine's PID namespace; 0 when it does not run
  int exit_code = 0;
  std::string error;
  base::UnixNanos started_at = 0;
  base::UnixNanos finished_at = 0;
};

/// A mount of a container as inspect shows it.
struct MountPoint {
  std::string type;
  std::string source;
  std::string destination;
  std::string propagation;
  bool read_write = true;
};

struct EndpointSettings {
  std::string ip_address;
  std::string global_ipv6_address;
  std::string gateway;
};

/// GET /containers/{id}/json.
struct ContainerDetails {
  std::string id;
  std::string name;  ///< with the leading "/"
  base::UnixNanos created_at = 0;
  std::string image_id;
  ContainerState state;
  std::string resolv_conf_path;
  std::string log_path;
  std::string storage_driver;
  std::map<std::string, std::string> graph_driver_data;  ///< empty with the containerd store
  std::vector<MountPoint> mounts;
  std::map<std::string, EndpointSettings> networks;
  std::string sandbox_key;  ///< Docker's own file for the network namespace
  /// Config and HostConfig read back. What Docker does not return stays at its default.
  ContainerSpec spec;
};

}  // namespace dockershimd::dockerapi
