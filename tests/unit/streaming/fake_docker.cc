#include "fake_docker.h"

#include <fmt/format.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>

namespace dockershimd::testsupport {
namespace {

void AnswerJson(int fd, int status, const std::string& body) {
  WriteTo(fd, fmt::format("HTTP/1.1 {} X\r\nContent-Type: application/json\r\n"
                          "Content-Length: {}\r\n\r\n{}",
                          status, body.size(), body));
}

std::size_t ContentLength(const std::string& head) {
  const auto at = head.find("Content-Length: ");
  return at == std::string::npos ? 0 : std::stoul(head.substr(at + 16));
}

}  // namespace

FakeDocker::FakeDocker(Process process) : process_(std::move(process)) {
  std::string name = std::filesystem::temp_directory_path() / "fake-docker.XXXXXX";
  folder_ = ::mkdtemp(name.data());
  listener_.Reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  Socket().copy(address.sun_path, sizeof(address.sun_path) - 1);
  ::bind(listener_.Get(), reinterpret_cast<sockaddr*>(&address), sizeof(address));
  ::listen(listener_.Get(), 100);
  acceptor_ = std::jthread([this](const std::stop_token& stop) { Accept(stop); });
}

FakeDocker::~FakeDocker() {
  acceptor_.request_stop();
  ::shutdown(listener_.Get(), SHUT_RDWR);
  acceptor_.join();
  {
    // Not longer: each connection takes itself off the list before its thread ends.
    const auto open = open_.Lock();
    for (const int fd : *open) ::shutdown(fd, SHUT_RDWR);
  }
  connections_.clear();
  std::filesystem::remove_all(folder_);
}

bool FakeDocker::WasCalled(const std::string& part) const {
  const auto calls = Calls();
  return std::any_of(calls.begin(), calls.end(),
                     [&](const std::string& call) { return call.find(part) != std::string::npos; });
}

void FakeDocker::Accept(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    base::UniqueFd fd(::accept4(listener_.Get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!fd) continue;
    open_.Lock()->push_back(fd.Get());
    connections_.emplace_back([this, moved = fd.Release()] { Serve(base::UniqueFd(moved)); });
  }
}

void FakeDocker::Serve(base::UniqueFd fd) {
  while (true) {
    std::string head;
    while (!head.ends_with("\r\n\r\n")) {
      const auto byte = ReadExactly(fd.Get(), 1);
      if (byte.empty()) break;
      head += byte;
    }
    if (!head.ends_with("\r\n\r\n")) break;
    const auto body = ReadExactly(fd.Get(), ContentLength(head));
    if (!Answer(fd.Get(), head.substr(0, head.find(" HTTP/")), body)) break;
  }
  std::erase(*open_.Lock(), fd.Get());
}

bool FakeDocker::Answer(int fd, const std::string& request, const std::string& body) {
  std::string plain = request;
  if (const auto version = plain.find("/v1."); version != std::string::npos) {
    plain.erase(version, plain.find('/', version + 1) - version);
  }
  calls_.Lock()->push_back(plain + " " + body);
  const State state = *state_.Lock();
  const auto is = [&](const char* part) { return plain.find(part) != std::string::npos; };
  if (is("/_ping")) {
    WriteTo(fd, "HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nContent-Length: 2\r\n\r\nOK");
  } else if (is("GET /version")) {
    AnswerJson(fd, 200, R"({"Version":"x","ApiVersion":"1.41","MinAPIVersion":"1.12"})");
  } else if (is("/containers/stuck/")) {
    (void)ReadToEnd(fd);
    return false;
  } else if (is("/start") || is("/attach")) {
    if (state.ends_when_attached) Set()->container_runs = false;
    WriteTo(fd, "HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n");
    process_(fd);
    return false;
  } else if (is("POST /containers/c/exec")) {
    AnswerJson(fd, state.create_status,
               state.create_status == 201 ? R"({"Id":"e"})" : R"({"message":"no"})");
  } else if (is("GET /exec/e/json")) {
    AnswerJson(fd, 200, state.exec);
  } else if (is("GET /containers/c/json")) {
    AnswerJson(fd, 200,
               fmt::format(R"({{"Id":"c","State":{{"Running":{}}}}})", state.container_runs));
  } else if (is("/resize")) {
    AnswerJson(fd, 200, "");
  } else {
    AnswerJson(fd, 404, R"({"message":"no such thing"})");
  }
  return true;
}

std::string DockerFrame(int stream, const std::string& bytes) {
  std::string frame = {static_cast<char>(stream), 0, 0, 0};
  for (int shift = 24; shift >= 0; shift -= 8) {
    frame.push_back(static_cast<char>(bytes.size() >> shift));
  }
  return frame + bytes;
}

void WriteTo(int fd, const std::string& bytes) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t count = ::send(fd, bytes.data() + done, bytes.size() - done, MSG_NOSIGNAL);
    if (count <= 0) return;
    done += static_cast<std::size_t>(count);
  }
}

std::string ReadExactly(int fd, std::size_t count) {
  std::string bytes(count, '\0');
  std::size_t done = 0;
  while (done < count) {
    const ssize_t got = ::recv(fd, bytes.data() + done, count - done, 0);
    if (got <= 0) break;
    done += static_cast<std::size_t>(got);
  }
  bytes.resize(done);
  return bytes;
}

std::string ReadToEnd(int fd) {
  std::string bytes;
  std::string piece(64 << 10, '\0');
  while (true) {
    const ssize_t got = ::recv(fd, piece.data(), piece.size(), 0);
    if (got <= 0) return bytes;
    bytes.append(piece, 0, static_cast<std::size_t>(got));
  }
}

}  // namespace dockershimd::testsupport
