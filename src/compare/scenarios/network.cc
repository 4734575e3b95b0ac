// Pod networks.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/unique_fd.h"
#include "compare/scenario.h"

namespace dockershimd::compare {
namespace {

/// A port of this machine that is free now; 0 if there is none.
std::uint16_t FreePort() {
  const base::UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  socklen_t size = sizeof(address);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (!socket || ::bind(socket.Get(), generic, size) != 0) return 0;
  if (::getsockname(socket.Get(), generic, &size) != 0) return 0;
  return ntohs(address.sin_port);
}

bool Connects(const std::string& ip, std::uint16_t port) {
  const base::UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  timeval limit{2, 0};
  if (!socket || ::inet_pton(AF_INET, ip.c_str(), &address.sin_addr) != 1) return false;
  // For connect too.
  (void)::setsockopt(socket.Get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
  return ::connect(socket.Get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
}

/// The node's address that leads to the pod.
std::string SourceAddress(const std::string& ip) {
  const base::UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(9);
  socklen_t size = sizeof(address);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (!socket || ::inet_pton(AF_INET, ip.c_str(), &address.sin_addr) != 1) return {};
  if (::connect(socket.Get(), generic, size) != 0) return {};
  if (::getsockname(socket.Get(), generic, &size) != 0) return {};
  char text[INET_ADDRSTRLEN] = {};
  return ::inet_ntop(AF_INET, &address.sin_addr, text, sizeof(text)) != nullptr ? text : "";
}

cri::ContainerConfig WebServer(Session& s) {
  return s.Shell("web",
                 "trap 'kill $!; exit 0' TERM; mkdir -p /tmp/www; echo it works "
                 ">/tmp/www/index.html; httpd -f -p 8080 -h /tmp/www & wait");
}

void PodNetwork(Session& s) {
  const auto pod = s.RunPod(s.PodConfig("server"));
  const auto web = s.Run(pod, WebServer(s));
  const auto ip = s.PodStatus(pod).status().network().ip();
  s.Verify("the pod has an address", !ip.empty());
  s.Name(ip, "<server's address>");
  s.Verify("the address is that of eth0",
           s.Output(web, "ip -o addr show dev eth0").find(" " + ip + "/") != std::string::npos, ip);
  s.Verify("the node reaches the pod", s.WaitUntil([&] { return Connects(ip, 8080); }));
  s.Observe("interfaces", s.Output(web, "echo $(ls /sys/class/net)"));
  s.Observe("loopback", s.Output(web, "echo $(ip -o addr show dev lo | grep -oE 'inet6? [^ ]*')"));
  s.Observe("disable_ipv6", s.Output(web, "cat /proc/sys/net/ipv6/conf/all/disable_ipv6"));
  s.Observe("routes", s.Output(web, "ip route | cut -d' ' -f1 | sort | head -1"));
  const auto other = s.RunPod(s.PodConfig("client"));
  const auto client = s.Run(other, s.Sleeper("main"));
  s.Observe("another pod reaches it",
            s.Output(client, "wget -q -T 5 -O - http://" + ip + ":8080/ 2>&1"));
  const auto neighbour = s.Run(pod, s.Sleeper("neighbour"));
  s.Observe("a container of the pod reaches it by loopback",
            s.Output(neighbour, "wget -q -T 5 -O - http://127.0.0.1:8080/ 2>&1"));
}

void HostPort(Session& s) {
  auto config = s.PodConfig("hostport");
  const auto port = FreePort();
  auto& mapping = *config.add_port_mappings();
  mapping.set_container_port(8080);
  mapping.set_host_port(port);
  const auto pod = s.RunPod(config);
  (void)s.Run(pod, WebServer(s));
  const auto ip = s.PodStatus(pod).status().network().ip();
  const auto node = SourceAddress(ip);
  s.Verify("the node's port leads to the pod", s.WaitUntil([&] { return Connects(node, port); }),
           node);
  s.Observe("by loopback too", Connects("127.0.0.1", port) ? "yes" : "no");
  s.StopPod(pod);
  s.Verify("it is closed when the pod is stopped",
           s.WaitUntil([&] { return !Connects(node, port); }));
}

void HostNetwork(Session& s) {
  auto config = s.PodConfig("hostnetwork");
  config.clear_hostname();
  config.mutable_linux()->mutable_security_context()->mutable_namespace_options()->set_network(
      cri::NODE);
  const auto pod = s.RunPod(config);
  auto container = s.Sleeper("main");
  container.mutable_linux()->mutable_security_context()->mutable_namespace_options()->set_network(
      cri::NODE);
  const auto id = s.Run(pod, container);
  s.Record("status", s.PodStatus(pod));
  char name[256] = {};
  (void)::gethostname(name, sizeof(name) - 1);
  s.Verify("the host name is the node's", s.Output(id, "hostname") == name,
           s.Output(id, "hostname"));
  s.Observe("/etc/hostname", s.Output(id, "cat /etc/hostname") == name ? "the node's" : "another");
}

void Names(Session& s) {
  auto config = s.PodConfig("names");
  auto& dns = *config.mutable_dns_config();
  dns.add_servers("192.0.2.53");
  dns.add_servers("192.0.2.54");
  dns.add_searches("default.svc.cluster.local");
  dns.add_searches("svc.cluster.local");
  dns.add_options("ndots:5");
  dns.add_options("timeout:1");
  const auto pod = s.RunPod(config);
  const auto id = s.Run(pod, s.Sleeper("main"));
  s.Observe("/etc/resolv.conf", s.Output(id, "cat /etc/resolv.conf"));
  s.Observe("/etc/resolv.conf is", s.Output(id,
                                            "(echo '#' >>/etc/resolv.conf) 2>/dev/null && "
                                            "echo writable || echo read-only"));
  s.Observe("hostname", s.Output(id, "hostname"));
  const auto ip = s.PodStatus(pod).status().network().ip();
  s.Name(ip, "<address>");
  s.Observe("/etc/hosts", s.Output(id, "cat /etc/hosts"));
}

void Sysctls(Session& s) {
  auto config = s.PodConfig("sysctls");
  (*config.mutable_linux()->mutable_sysctls())["net.ipv4.ip_local_port_range"] = "30000 40000";
  (*config.mutable_linux()->mutable_sysctls())["kernel.shm_rmid_forced"] = "1";
  const auto pod = s.RunPod(config);
  const auto id = s.Run(pod, s.Sleeper("main"));
  s.Observe("net.ipv4.ip_local_port_range",
            s.Output(id, "cat /proc/sys/net/ipv4/ip_local_port_range"));
  s.Observe("kernel.shm_rmid_forced", s.Output(id, "cat /proc/sys/kernel/shm_rmid_forced"));
  s.Observe("net.ipv4.ip_unprivileged_port_start",
            s.Output(id, "cat /proc/sys/net/ipv4/ip_unprivileged_port_start"));
  s.Observe("net.ipv4.ping_group_range", s.Output(id, "cat /proc/sys/net/ipv4/ping_group_range"));
}

constexpr Scenario kScenarios[] = {
    {"network/pod", "addresses, reachability, loopback", PodNetwork},
    {"network/host-port", "a port of the node for a port of the pod", HostPort},
    {"network/host", "a pod on the node's network", HostNetwork},
    {"network/names", "host name, hosts and resolv.conf", Names},
    {"network/sysctls", "sysctls of the pod", Sysctls},
};

}  // namespace

std::span<const Scenario> NetworkScenarios() { return kScenarios; }

}  // namespace dockershimd::compare
