#include "shim/linux/stand_in_interface.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <net/if.h>
#include <netinet/in.h>
// After netinet/in.h, whose types it shares.
#include <linux/ipv6.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>

#include "base/log.h"
#include "base/unique_fd.h"
#include "shim/linux/network_namespace.h"

namespace dockershimd::shim::linuxos {
namespace {

using base::ErrnoError;
using base::Fail;

base::UniqueFd Socket(int family) {
  return base::UniqueFd(::socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
}

/// For an interface, or a label of one.
ifreq RequestFor(const std::string& name) {
  ifreq request{};
  name.copy(request.ifr_name, IFNAMSIZ - 1);
  return request;
}

/// `label`: the interface's name; for a second address, with a suffix.
base::Status AddV4(const std::string& label, const in_addr& address) {
  ifreq request = RequestFor(label);
  sockaddr_in wanted{};
  wanted.sin_family = AF_INET;
  wanted.sin_addr = address;
  std::memcpy(&request.ifr_addr, &wanted, sizeof(wanted));
  const auto socket = Socket(AF_INET);
  if (::ioctl(socket.Get(), SIOCSIFADDR, &request) == 0) return {};
  return Fail(ErrnoError(errno, "add an IPv4 address"));
}

base::Status AddV6(const std::string& interface, const in6_addr& address) {
  constexpr int kWholeAddress = 128;
  in6_ifreq request{};
  request.ifr6_addr = address;
  request.ifr6_prefixlen = kWholeAddress;
  request.ifr6_ifindex = static_cast<int>(::if_nametoindex(interface.c_str()));
  const auto socket = Socket(AF_INET6);
  if (::ioctl(socket.Get(), SIOCSIFADDR, &request) == 0) return {};
  return Fail(ErrnoError(errno, "add an IPv6 address"));
}

void AddAddresses(const std::string& name, const std::vector<std::string>& addresses) {
  int v4_count = 0;
  for (const auto& text : addresses) {
    in_addr v4{};
    in6_addr v6{};
    base::Status added;
    if (::inet_pton(AF_INET, text.c_str(), &v4) == 1) {
      added = AddV4(v4_count == 0 ? name : fmt::format("{}:{}", name, v4_count), v4);
      ++v4_count;
    } else if (::inet_pton(AF_INET6, text.c_str(), &v6) == 1) {
      added = AddV6(name, v6);
    }
    if (!added) spdlog::warn("stand-in for {}: {}: {}", name, text, added.error().message);
  }
}

/// The node's own has interfaces of other people.
bool IsOwnNamespace(const std::string& path) {
  struct stat own = {};
  struct stat other = {};
  return ::stat("/proc/self/ns/net", &own) == 0 && ::stat(path.c_str(), &other) == 0 &&
         own.st_ino == other.st_ino && own.st_dev == other.st_dev;
}

}  // namespace

base::Result<bool> MakeStandInInterface(const std::string& netns_path, const std::string& name,
                                        const std::vector<std::string>& addresses) {
  if (IsOwnNamespace(netns_path)) return false;
  return InNetworkNamespace(netns_path, [&]() -> base::Result<bool> {
    if (::if_nametoindex(name.c_str()) != 0) return false;
    if (::ioctl(Socket(AF_INET).Get(), SIOCBRADDBR, RequestFor(name).ifr_name) != 0) {
      return Fail(ErrnoError(errno, "make an interface"));
    }
    AddAddresses(name, addresses);
    return true;
  });
}

base::Status RemoveStandInInterface(const std::string& netns_path, const std::string& name) {
  return InNetworkNamespace(netns_path, [&]() -> base::Status {
    if (::ioctl(Socket(AF_INET).Get(), SIOCBRDELBR, RequestFor(name).ifr_name) == 0) return {};
    if (errno == ENXIO) return {};
    return Fail(ErrnoError(errno, "remove the stand-in for " + name));
  });
}

}  // namespace dockershimd::shim::linuxos
