#include "shim/check/machine.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <netdb.h>
#include <sys/socket.h>
#include <sys/statvfs.h>

#include <array>
#include <charconv>
#include <memory>
#include <sstream>

#include "base/file.h"
#include "base/unique_fd.h"

namespace dockershimd::shim::check {
namespace {

namespace fs = std::filesystem;

std::string Word(const fs::path& file) {
  std::istringstream text(base::ReadFile(file).value_or(""));
  std::string word;
  text >> word;
  return word;
}

/// cgroup v1: "memory 4 118 1", the last is whether it is on. v2: one line of names.
bool HasController(const fs::path& root, const std::string& name) {
  std::istringstream unified(
      base::ReadFile(root / "sys/fs/cgroup/cgroup.controllers").value_or(""));
  for (std::string one; unified >> one;) {
    if (one == name) return true;
  }
  std::istringstream legacy(base::ReadFile(root / "proc/cgroups").value_or(""));
  for (std::string line; std::getline(legacy, line);) {
    std::istringstream fields(line);
    std::string controller;
    int hierarchy = 0;
    int count = 0;
    int enabled = 0;
    // Without a hierarchy of its own it is at most on v2, where it was looked for.
    if (fields >> controller >> hierarchy >> count >> enabled && controller == name) {
      return enabled == 1 && hierarchy != 0;
    }
  }
  return false;
}

Finding LookAtControllers(const fs::path& root) {
  std::vector<std::string> missing;
  for (const char* name : {"cpu", "cpuset", "memory", "pids"}) {
    if (!HasController(root, name)) missing.emplace_back(name);
  }
  if (missing.empty()) return {Verdict::kOk, "controllers", "cpu, cpuset, memory, pids"};
  return {Verdict::kFail, "controllers", fmt::format("missing: {}", fmt::join(missing, ", ")),
          "kubelet does not start without them; boot with cgroup_enable=memory (or the like) on "
          "the kernel's command line"};
}

Finding LookAtForwarding(const fs::path& root) {
  if (Word(root / "proc/sys/net/ipv4/ip_forward") == "1") {
    return {Verdict::kOk, "IP forwarding", "on"};
  }
  return {Verdict::kWarn, "IP forwarding", "off: pods do not reach other nodes",
          "set net.ipv4.ip_forward = 1 in /etc/sysctl.d"};
}

Finding LookAtBridges(const fs::path& root) {
  const auto value = Word(root / "proc/sys/net/bridge/bridge-nf-call-iptables");
  if (value == "1") return {Verdict::kOk, "bridged packets", "go through iptables"};
  return {
      Verdict::kWarn, "bridged packets",
      value.empty() ? "the kernel module br_netfilter is not loaded" : "do not go through iptables",
      "for bridge networks, load br_netfilter (/etc/modules-load.d) and set "
      "net.bridge.bridge-nf-call-iptables = 1 in /etc/sysctl.d, or services do not reach pods "
      "of the same node"};
}

Finding LookAtPropagation(const fs::path& root) {
  std::istringstream mounts(base::ReadFile(root / "proc/self/mountinfo").value_or(""));
  for (std::string line; std::getline(mounts, line);) {
    std::istringstream fields(line);
    std::array<std::string, 6> field;  // id, parent, device, root, mount point, options
    for (auto& one : field) fields >> one;
    if (field[4] != "/") continue;
    std::string tag;
    fields >> tag;
    if (tag.starts_with("shared:")) return {Verdict::kOk, "mounts", "/ is shared"};
  }
  return {Verdict::kWarn, "mounts",
          "/ is not shared: volumes with mountPropagation, as storage drivers use, fail",
          "mount --make-rshared /"};
}

/// "127.0.0.1:9000" or "[::1]:9000".
bool Split(const std::string& address, std::string* host, std::string* port) {
  const auto colon = address.rfind(':');
  if (colon == std::string::npos) return false;
  *host = address.substr(0, colon);
  if (host->starts_with('[') && host->ends_with(']')) *host = host->substr(1, host->size() - 2);
  *port = address.substr(colon + 1);
  return *port != "0";
}

bool CanBind(const std::string& host, const std::string& port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  if (::getaddrinfo(host.empty() ? nullptr : host.c_str(), port.c_str(), &hints, &found) != 0) {
    return false;
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owned(found, ::freeaddrinfo);
  const base::UniqueFd fd(::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  ::setsockopt(fd.Get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  return ::bind(fd.Get(), found->ai_addr, found->ai_addrlen) == 0;
}

constexpr double kGiB = 1024.0 * 1024 * 1024;

}  // namespace

Findings LookAtKernel(const fs::path& root) {
  return {LookAtControllers(root), LookAtForwarding(root), LookAtBridges(root),
          LookAtPropagation(root)};
}

Findings LookAtPort(const std::string& subject, const std::string& address) {
  std::string host;
  std::string port;
  if (!Split(address, &host, &port)) return {};
  if (CanBind(host, port)) return {{Verdict::kOk, subject, address + " is free"}};
  return {{Verdict::kFail, subject, address + " cannot be listened on",
           "stop what uses it (ss -ltnp), or choose another address in the configuration"}};
}

Finding JudgeDisk(const std::string& folder, const DiskFacts& disk) {
  // Kubelet begins to remove images at 85 % in use, and evicts pods at 5 % free inodes.
  constexpr std::uint64_t kLeastFreePercent = 15;
  constexpr std::uint64_t kLeastFreeInodesPercent = 5;
  const auto found = fmt::format("{}: {:.1f} of {:.1f} GiB free", folder,
                                 static_cast<double>(disk.bytes_free) / kGiB,
                                 static_cast<double>(disk.bytes) / kGiB);
  if (disk.bytes_free * 100 < disk.bytes * kLeastFreePercent) {
    return {Verdict::kWarn, "disk", found,
            "kubelet removes images below 15 % free and evicts pods below 10 %: make room "
            "(docker system df)"};
  }
  if (disk.inodes_free * 100 < disk.inodes * kLeastFreeInodesPercent) {
    return {Verdict::kWarn, "disk", fmt::format("{}: nearly all inodes are in use", folder),
            "kubelet evicts pods below 5 % free inodes: make room"};
  }
  return {Verdict::kOk, "disk", found};
}

Findings LookAtDisk(const std::string& folder) {
  struct statvfs status{};
  if (::statvfs(folder.c_str(), &status) != 0 || status.f_blocks == 0) return {};
  return {JudgeDisk(folder, {status.f_blocks * status.f_frsize, status.f_bavail * status.f_frsize,
                             status.f_files, status.f_favail})};
}

}  // namespace dockershimd::shim::check
