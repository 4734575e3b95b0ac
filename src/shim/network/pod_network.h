#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/call_context.h"
#include "base/result.h"

namespace dockershimd::shim::network {

/// A host port that leads into a pod (CRI PortMapping).
struct PortMapping {
  std::string protocol = "tcp";  ///< tcp, udp or sctp
  std::uint16_t container_port = 0;
  std::uint16_t host_port = 0;
  std::string host_ip;  ///< empty: every address of the host
};

/// The pod that a network is asked for.
struct PodIdentity {
  std::string sandbox_id;
  std::string name;
  std::string pod_namespace;
  std::string uid;
};

struct DnsConfig {
  std::vector<std::string> servers;
  std::vector<std::string> searches;
  std::vector<std::string> options;
};

/// Bits per second and burst bits, as the bandwidth plugin takes them; 0: no limit.
struct Bandwidth {
  std::uint64_t ingress_rate = 0;
  std::uint64_t ingress_burst = 0;
  std::uint64_t egress_rate = 0;
  std::uint64_t egress_burst = 0;
};

struct PodNetworkRequest {
  PodIdentity pod;
  std::string netns_path;  ///< "/proc/<pid>/ns/net"; empty in a teardown whose pod has ended
  std::vector<PortMapping> ports;
  DnsConfig dns;
  Bandwidth bandwidth;
  bool allow_ipv6 = true;   ///< false: the pod's sysctls forbid it
  std::string cgroup_path;  ///< capability "cgroupPath"; may be empty
  std::map<std::string, std::string>
      annotations;  ///< capability "io.kubernetes.cri.pod-annotations"
};

/// The pod's addresses without prefix length; the first is the pod IP, the rest additional IPs.
struct PodAddresses {
  std::vector<std::string> ips;
};

/// What the CRI condition NetworkReady says.
struct NetworkCondition {
  bool ready = false;
  std::string reason;   ///< e.g. "NetworkPluginNotReady"
  std::string message;  ///< what an admin should do
};

}  // namespace dockershimd::shim::network
