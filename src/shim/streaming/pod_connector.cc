#include "shim/streaming/pod_connector.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>

#include "shim/linux/network_namespace.h"

namespace dockershimd::shim::streaming {
namespace {

using base::Fail;
using base::Result;

struct PodSockets {
  base::UniqueFd v4;
  base::UniqueFd v6;  ///< not open where there is no IPv6
};

base::UniqueFd MakeSocket(int family) {
  base::UniqueFd fd(::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const int on = 1;
  if (fd) ::setsockopt(fd.Get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  return fd;
}

/// A socket belongs to the network namespace that it was made in, wherever it is used.
Result<PodSockets> MakeSockets() {
  PodSockets sockets{MakeSocket(AF_INET), MakeSocket(AF_INET6)};
  if (!sockets.v4 && !sockets.v6) return Fail(base::ErrnoError(errno, "socket"));
  return sockets;
}

Result<PodSockets> MakeSocketsIn(const PodConnector::NamespacePath& namespace_path) {
  const auto path = namespace_path();
  if (!path) return Fail(path.error());
  if (path->empty()) return MakeSockets();
  auto sockets = linuxos::InNetworkNamespace(*path, MakeSockets);
  if (!sockets) return sockets;
  // The path names a process: had the pod ended meanwhile, it could be anybody's.
  const auto again = namespace_path();
  if (!again) return Fail(again.error());
  if (*again != *path) return Fail(base::Code::kUnavailable, "the pod has just been restarted");
  return sockets;
}

Awaitable<Result<std::shared_ptr<Socket>>> ConnectOne(Loop& loop, base::UniqueFd fd, int family,
                                                      std::uint16_t port,
                                                      std::chrono::milliseconds limit) {
  if (!fd) co_return Fail(base::Code::kUnavailable, "no such sockets");
  auto socket = Socket::Adopt(loop, std::move(fd));
  if (!socket) co_return Fail(socket.error());
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_port = htons(port);
  v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(port);
  v6.sin6_addr = in6addr_loopback;
  const bool is_v4 = family == AF_INET;
  const auto* address =
      is_v4 ? reinterpret_cast<const sockaddr*>(&v4) : reinterpret_cast<const sockaddr*>(&v6);
  const auto connected =
      co_await (*socket)->Connect(address, is_v4 ? sizeof(v4) : sizeof(v6), limit);
  if (connected) co_return *socket;
  (*socket)->Close();
  co_return Fail(connected.error());
}

}  // namespace

Awaitable<Result<std::shared_ptr<Socket>>> PodConnector::Connect(std::uint16_t port) {
  auto& loop = loop_;
  const auto limit = limit_;
  const auto make = [path = network_namespace_] { return MakeSocketsIn(path); };
  auto sockets = co_await Blocking(loop, make);
  if (!sockets) co_return Fail(sockets.error());
  auto v4 = co_await ConnectOne(loop, std::move(sockets->v4), AF_INET, port, limit);
  if (v4) co_return v4;
  auto v6 = co_await ConnectOne(loop, std::move(sockets->v6), AF_INET6, port, limit);
  if (v6) co_return v6;
  co_return Fail(base::Code::kUnavailable, "127.0.0.1:{}: {}; [::1]:{}: {}", port,
                 v4.error().message, port, v6.error().message);
}

}  // namespace dockershimd::shim::streaming
