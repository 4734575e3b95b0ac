#include "cutting_proxy.h"

#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace dockershimd::testsupport {
namespace {

sockaddr_un AddressOf(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
  return address;
}

base::UniqueFd NewSocket() {
  return base::UniqueFd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

/// False at the end of what `from` sends.
bool Pump(int from, int to) {
  std::array<char, 65536> buffer;
  const auto count = ::read(from, buffer.data(), buffer.size());
  if (count <= 0) return false;
  for (ssize_t sent = 0; sent < count;) {
    const auto written = ::send(to, buffer.data() + sent, count - sent, MSG_NOSIGNAL);
    if (written <= 0) return false;
    sent += written;
  }
  return true;
}

}  // namespace

CuttingProxy::CuttingProxy(std::string engine_socket)
    : engine_socket_(std::move(engine_socket)), listener_(NewSocket()) {
  std::string name = std::filesystem::temp_directory_path() / "cutting-proxy.XXXXXX";
  folder_ = ::mkdtemp(name.data());
  const auto address = AddressOf(Socket());
  ::bind(listener_.Get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  ::listen(listener_.Get(), 64);
  accepting_ = std::jthread([this] { Accept(); });
}

CuttingProxy::~CuttingProxy() {
  ::shutdown(listener_.Get(), SHUT_RDWR);
  accepting_.join();
  Cut();
  relaying_.clear();
  std::filesystem::remove_all(folder_);
}

void CuttingProxy::Accept() {
  while (true) {
    base::UniqueFd client(::accept4(listener_.Get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!client) return;
    open_.Lock()->push_back(client.Get());
    relaying_.emplace_back([this, fd = client.Release()] { Relay(base::UniqueFd(fd)); });
  }
}

void CuttingProxy::Relay(base::UniqueFd client) {
  const auto engine = NewSocket();
  const auto address = AddressOf(engine_socket_);
  if (::connect(engine.Get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0) {
    std::array<pollfd, 2> polled{pollfd{client.Get(), POLLIN, 0}, pollfd{engine.Get(), POLLIN, 0}};
    bool open = true;
    while (open && ::poll(polled.data(), polled.size(), -1) > 0) {
      if (polled[0].revents != 0) open = Pump(client.Get(), engine.Get());
      if (open && polled[1].revents != 0) open = Pump(engine.Get(), client.Get());
    }
  }
  auto open = open_.Lock();
  std::erase(*open, client.Get());
}

void CuttingProxy::Cut() {
  const auto open = open_.Lock();
  for (const int fd : *open) ::shutdown(fd, SHUT_RDWR);
}

}  // namespace dockershimd::testsupport
