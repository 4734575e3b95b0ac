#include "shim/linux/network_namespace.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <system_error>
#include <thread>

#include "base/file.h"

namespace dockershimd::shim::linuxos {
namespace {

using base::ErrnoError;
using base::Fail;

base::Status SetLoopbackUp() {
  const base::UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket) return Fail(ErrnoError(errno, "socket"));
  ifreq request{};
  std::strncpy(request.ifr_name, "lo", IFNAMSIZ - 1);
  if (::ioctl(socket.Get(), SIOCGIFFLAGS, &request) != 0) {
    return Fail(ErrnoError(errno, "read the flags of lo"));
  }
  request.ifr_flags |= IFF_UP;
  if (::ioctl(socket.Get(), SIOCSIFFLAGS, &request) != 0) {
    return Fail(ErrnoError(errno, "set lo up"));
  }
  return {};
}

/// The address's text; empty for one that only counts on its own link or host.
std::string GlobalAddress(const sockaddr* address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address == nullptr) return "";
  if (address->sa_family == AF_INET) {
    const auto& ip = reinterpret_cast<const sockaddr_in*>(address)->sin_addr;
    return ::inet_ntop(AF_INET, &ip, text.data(), text.size());
  }
  if (address->sa_family != AF_INET6) return "";
  const auto& ip = reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr;
  if (IN6_IS_ADDR_LINKLOCAL(&ip) || IN6_IS_ADDR_LOOPBACK(&ip)) return "";
  return ::inet_ntop(AF_INET6, &ip, text.data(), text.size());
}

base::Result<std::vector<std::string>> AddressesHere(const std::string& interface) {
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return Fail(ErrnoError(errno, "list addresses"));
  const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> owner(list, &::freeifaddrs);
  std::vector<std::string> v4;
  std::vector<std::string> v6;
  for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
    if (interface != entry->ifa_name) continue;
    std::string text = GlobalAddress(entry->ifa_addr);
    if (text.empty()) continue;
    (entry->ifa_addr->sa_family == AF_INET ? v4 : v6).push_back(std::move(text));
  }
  v4.insert(v4.end(), v6.begin(), v6.end());
  return v4;
}

}  // namespace

base::Status VisitNetworkNamespace(const std::string& path, const std::function<void()>& work) {
  const auto netns = base::OpenFile(path, O_RDONLY);
  if (!netns) return Fail(netns.error(), "network namespace");
  int failed = 0;
  const auto visit = [&] {
    failed = ::setns(netns->Get(), CLONE_NEWNET) == 0 ? 0 : errno;
    if (failed == 0) work();
  };
  try {
    std::jthread(visit).join();
  } catch (const std::system_error& error) {
    return Fail(base::Code::kResourceExhausted, "start a thread: {}", error.what());
  }
  if (failed != 0) return Fail(ErrnoError(failed, "enter network namespace " + path));
  return {};
}

base::Status BringLoopbackUp(const std::string& netns_path) {
  return InNetworkNamespace(netns_path, SetLoopbackUp);
}

base::Status AllowIpv6(const std::string& netns_path) {
  return InNetworkNamespace(netns_path, [] {
    // The kernel shows each thread the settings of its own network namespace.
    auto allowed = base::WriteFileInPlace("/proc/sys/net/ipv6/conf/all/disable_ipv6", "0");
    return !allowed && allowed.error().code == base::Code::kNotFound ? base::Status() : allowed;
  });
}

base::Result<std::vector<std::string>> InterfaceAddresses(const std::string& netns_path,
                                                          const std::string& interface) {
  return InNetworkNamespace(netns_path, [&] { return AddressesHere(interface); });
}

}  // namespace dockershimd::shim::linuxos
