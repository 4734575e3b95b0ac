#include "fake_engine.h"

#include <fmt/format.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

namespace dockershimd::testsupport {
namespace {

std::string PercentDecoded(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size()) {
      decoded += static_cast<char>(std::stoi(std::string(text.substr(i + 1, 2)), nullptr, 16));
      i += 2;
    } else {
      decoded += text[i];
    }
  }
  return decoded;
}

std::string Lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char letter) { return std::tolower(letter); });
  return text;
}

/// Reads more into `buffer`; false at the end.
bool Receive(int fd, std::string& buffer) {
  std::array<char, 65536> bytes;
  const ssize_t count = ::recv(fd, bytes.data(), bytes.size(), 0);
  if (count <= 0) return false;
  buffer.append(bytes.data(), static_cast<std::size_t>(count));
  return true;
}

EngineRequest ParseHeader(const std::string& header) {
  EngineRequest request;
  const auto first_line = header.substr(0, header.find("\r\n"));
  const auto first_space = first_line.find(' ');
  request.method = first_line.substr(0, first_space);
  request.target = first_line.substr(first_space + 1, first_line.rfind(' ') - first_space - 1);
  for (auto at = first_line.size() + 2; at < header.size();) {
    const auto end = std::min(header.find("\r\n", at), header.size());
    const auto line = header.substr(at, end - at);
    const auto colon = line.find(':');
    if (colon != std::string::npos) {
      request.headers[Lower(line.substr(0, colon))] =
          line.substr(line.find_first_not_of(' ', colon + 1));
    }
    at = end + 2;
  }
  return request;
}

/// The next request on a connection; what follows it stays in `buffer`.
std::optional<EngineRequest> NextRequest(int fd, std::string& buffer) {
  auto end = buffer.find("\r\n\r\n");
  for (; end == std::string::npos; end = buffer.find("\r\n\r\n")) {
    if (!Receive(fd, buffer)) return std::nullopt;
  }
  auto request = ParseHeader(buffer.substr(0, end));
  const auto length = request.Header("Content-Length");
  const std::size_t whole = end + 4 + (length.empty() ? 0 : std::stoul(length));
  while (buffer.size() < whole) {
    if (!Receive(fd, buffer)) return std::nullopt;
  }
  request.body = buffer.substr(end + 4, whole - end - 4);
  buffer.erase(0, whole);
  return request;
}

}  // namespace

std::string EngineRequest::Path() const {
  const auto path = target.substr(0, target.find('?'));
  return path.starts_with("/v1.") ? path.substr(path.find('/', 1)) : path;
}

std::string EngineRequest::Query(const std::string& name) const {
  for (auto at = target.find('?'); at != std::string::npos; at = target.find('&', at + 1)) {
    const auto parameter = std::string_view(target).substr(at + 1);
    if (!parameter.starts_with(name + "=")) continue;
    return PercentDecoded(parameter.substr(0, parameter.find('&')).substr(name.size() + 1));
  }
  return "";
}

std::string EngineRequest::Header(const std::string& name) const {
  const auto found = headers.find(Lower(name));
  return found == headers.end() ? "" : found->second;
}

void EngineReply::Raw(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count <= 0) return Close();
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
}

void EngineReply::Json(std::string_view body, int status) {
  Raw(
      fmt::format("HTTP/1.1 {} Status\r\nContent-Type: application/json\r\n"
                  "Content-Length: {}\r\n\r\n{}",
                  status, body.size(), body));
}

void EngineReply::Refuse(int status, std::string_view message) {
  Json(nlohmann::json{{"message", message}}.dump(), status);
}

void EngineReply::Bare(int status) { Raw(fmt::format("HTTP/1.1 {} Status\r\n\r\n", status)); }

void EngineReply::Begin(int status) {
  Raw(fmt::format("HTTP/1.1 {} Status\r\nTransfer-Encoding: chunked\r\n\r\n", status));
}

void EngineReply::Chunk(std::string_view bytes) {
  Raw(fmt::format("{:x}\r\n{}\r\n", bytes.size(), bytes));
}

void EngineReply::LastChunk() { Raw("0\r\n\r\n"); }

std::string EngineReply::Read(std::size_t count) {
  std::string bytes;
  while (bytes.size() < count && Receive(fd_, bytes)) {
  }
  return bytes;
}

void EngineReply::Hang() {
  (void)Read(std::string::npos);
  Close();
}

FakeEngine::FakeEngine(std::string api_version) : api_version_(std::move(api_version)) {
  std::string name = std::filesystem::temp_directory_path() / "fake-engine.XXXXXX";
  folder_ = ::mkdtemp(name.data());
  On("GET", "/_ping", [this](const EngineRequest&, EngineReply& reply) {
    reply.Raw("HTTP/1.1 200 OK\r\nApi-Version: " + api_version_ +
              "\r\nContent-Length: 2\r\n\r\nOK");
  });
  Answer("GET", "/version",
         R"({"Version":"fake","ApiVersion":")" + api_version_ + R"(","MinAPIVersion":"1.12"})");
  Start();
}

FakeEngine::~FakeEngine() {
  Stop();
  std::filesystem::remove_all(folder_);
}

void FakeEngine::On(const std::string& method, const std::string& path, Handler handler) {
  state_.Lock()->routes.push_back({method, path, std::move(handler)});
}

void FakeEngine::Answer(const std::string& method, const std::string& path, const std::string& json,
                        int status) {
  On(method, path, [=](const EngineRequest&, EngineReply& reply) { reply.Json(json, status); });
}

std::vector<EngineRequest> FakeEngine::Requests() const { return state_.Lock()->requests; }

EngineRequest FakeEngine::Request() const {
  const auto requests = Requests();
  return requests.size() == 1 ? requests[0] : EngineRequest();
}

std::size_t FakeEngine::Connections() const { return state_.Lock()->accepted; }

bool FakeEngine::WaitForOpenConnections(std::size_t count) const {
  auto state = state_.Lock();
  const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  return state.WaitUntil(closed_, limit, [&] { return state->open == count; });
}

void FakeEngine::Start() {
  listener_.Reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = Socket();
  std::copy(path.begin(), path.end(), address.sun_path);
  std::filesystem::remove(path);
  if (::bind(listener_.Get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0 ||
      ::listen(listener_.Get(), 128) != 0) {
    std::abort();
  }
  acceptor_ = std::jthread([this, fd = listener_.Get()] { Accept(fd); });
}

void FakeEngine::Stop() {
  ::shutdown(listener_.Get(), SHUT_RDWR);
  if (acceptor_.joinable()) acceptor_.join();
  listener_.Reset();
  std::list<Connection> connections;
  {
    auto state = state_.Lock();
    for (auto& connection : state->connections) {
      if (!connection.ended) ::shutdown(connection.fd.Get(), SHUT_RDWR);
    }
    connections.swap(state->connections);
  }
  // Joins the connections' threads.
  connections.clear();
}

void FakeEngine::Accept(int listener) {
  while (true) {
    base::UniqueFd fd(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC));
    if (!fd) return;
    auto state = state_.Lock();
    ++state->accepted;
    ++state->open;
    const int number = fd.Get();
    auto& connection = state->connections.emplace_back(std::move(fd));
    connection.thread = std::jthread([this, &connection, number] { Serve(connection, number); });
  }
}

void FakeEngine::Serve(Connection& connection, int fd) {
  std::string buffer;
  while (const auto request = NextRequest(fd, buffer)) {
    if (request->Path() != "/_ping") state_.Lock()->requests.push_back(*request);
    EngineReply reply(fd);
    HandlerOf (*request)(*request, reply);
    if (reply.IsClosed()) break;
  }
  auto state = state_.Lock();
  connection.ended = true;
  connection.fd.Reset();
  --state->open;
  closed_.notify_all();
}

FakeEngine::Handler FakeEngine::HandlerOf(const EngineRequest& request) const {
  const auto state = state_.Lock();
  const auto path = request.Path();
  const auto found =
      std::find_if(state->routes.rbegin(), state->routes.rend(), [&](const Route& route) {
        return route.method == request.method &&
               ::fnmatch(route.path.c_str(), path.c_str(), 0) == 0;
      });
  if (found != state->routes.rend()) return found->handler;
  return [](const EngineRequest&, EngineReply& reply) { reply.Refuse(404, "page not found"); };
}

}  // namespace dockershimd::testsupport
