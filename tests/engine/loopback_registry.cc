#include "loopback_registry.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <string_view>
#include <system_error>
#include <vector>

namespace dockershimd::testsupport {
namespace {

constexpr std::string_view kUnauthorized =
    "HTTP/1.1 401 Unauthorized\r\n"
    "Docker-Distribution-Api-Version: registry/2.0\r\n"
    "WWW-Authenticate: Basic realm=\"test\"\r\n"
    "Content-Length: 0\r\n"
    "Connection: close\r\n\r\n";
/// By this an engine that tries TLS first sees that there is none.
constexpr std::string_view kNoTls = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
constexpr char kTlsHandshake = 0x16;

sockaddr_in Loopback() {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

base::UniqueFd Listen() {
  base::UniqueFd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const auto address = Loopback();
  if (::bind(listener.Get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 ||
      ::listen(listener.Get(), 16) != 0) {
    throw std::system_error(errno, std::generic_category(), "listen");
  }
  return listener;
}

}  // namespace

LoopbackRegistry::LoopbackRegistry(Kind kind)
    : kind_(kind),
      listener_(Listen()),
      thread_([this](const std::stop_token& stop) { Accept(stop); }) {}

LoopbackRegistry::~LoopbackRegistry() {
  thread_.request_stop();
  ::shutdown(listener_.Get(), SHUT_RDWR);
}

std::string LoopbackRegistry::Address() const {
  sockaddr_in address{};
  socklen_t size = sizeof(address);
  ::getsockname(listener_.Get(), reinterpret_cast<sockaddr*>(&address), &size);
  return "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
}

void LoopbackRegistry::Accept(const std::stop_token& stop) {
  std::vector<base::UniqueFd> silent;
  while (!stop.stop_requested()) {
    base::UniqueFd connection(::accept4(listener_.Get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!connection) continue;
    if (kind_ == Kind::kSilent) {
      silent.push_back(std::move(connection));
    } else {
      Answer(connection.Get());
    }
  }
}

void LoopbackRegistry::Answer(int connection) {
  std::array<char, 8192> buffer;
  std::string request;
  while (!request.starts_with(kTlsHandshake) && request.find("\r\n\r\n") == std::string::npos) {
    const ssize_t got = ::recv(connection, buffer.data(), buffer.size(), 0);
    if (got <= 0) break;
    request.append(buffer.data(), static_cast<std::size_t>(got));
  }
  *seen_.Lock() += request;
  const auto answer = request.starts_with(kTlsHandshake) ? kNoTls : kUnauthorized;
  (void)::send(connection, answer.data(), answer.size(), MSG_NOSIGNAL);
}

}  // namespace dockershimd::testsupport
