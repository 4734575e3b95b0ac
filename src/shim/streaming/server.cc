#include "shim/streaming/server.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <optional>
#include <thread>
#include <unordered_set>

#include "base/log.h"
#include "shim/streaming/client_connection.h"
#include "shim/streaming/tls_identity.h"
#include "shim/streaming/tls_relay.h"

namespace dockershimd::shim::streaming {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using base::Code;
using base::Fail;
using base::Result;
using boost::system::error_code;

constexpr std::chrono::seconds kPurgePeriod(60);
/// How long clients have to hear that the server stops.
constexpr std::chrono::seconds kStopLimit(1);
/// How long to wait where the process has no descriptor left for a client.
constexpr std::chrono::milliseconds kAcceptPause(100);

Result<tcp::endpoint> ParseAddress(const std::string& address) {
  const auto colon = address.rfind(':');
  std::string host = address.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  error_code error;
  const auto ip = asio::ip::make_address(host, error);
  int port = -1;
  if (colon != std::string::npos) {
    const std::string text = address.substr(colon + 1);
    const bool digits = !text.empty() && text.size() <= 5 &&
                        text.find_first_not_of("0123456789") == std::string::npos;
    if (digits) port = std::stoi(text);
  }
  if (error || port < 0 || port > 65535) {
    return Fail(Code::kInvalidArgument, "'{}' is no IP address and port, such as 127.0.0.1:0",
                address);
  }
  return tcp::endpoint(ip, static_cast<std::uint16_t>(port));
}

/// Clients are on this node: where the server listens everywhere they use the loopback.
std::string UrlOf(std::string_view scheme, const tcp::endpoint& endpoint) {
  const auto address = endpoint.address();
  if (address.is_v4()) {
    const auto host = address.is_unspecified() ? asio::ip::address_v4::loopback() : address.to_v4();
    return fmt::format("{}://{}:{}", scheme, host.to_string(), endpoint.port());
  }
  const auto host = address.is_unspecified() ? asio::ip::address_v6::loopback() : address.to_v6();
  return fmt::format("{}://[{}]:{}", scheme, host.to_string(), endpoint.port());
}

/// Small writes go out at once, and a client whose machine vanished is noticed.
void Tune(int fd) {
  const auto set = [fd](int level, int name, int value) {
    ::setsockopt(fd, level, name, &value, sizeof(value));
  };
  set(IPPROTO_TCP, TCP_NODELAY, 1);
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
  set(IPPROTO_TCP, TCP_KEEPIDLE, 15);
  set(IPPROTO_TCP, TCP_KEEPINTVL, 15);
}

}  // namespace

class Server::Impl {
 public:
  Impl(ServerOptions options, dockerapi::Client& docker)
      : options_(std::move(options)),
        docker_(docker),
        tokens_(options_.max_pending_requests, options_.token_lifetime),
        loop_(options_.most_blocking_threads),
        acceptor_(loop_.Io()),
        purge_timer_(loop_.Io()) {}

  base::Status Start();
  void Stop();
  Result<std::string> Offer(const char* path, Request request);
  void EndForwards(const std::string& sandbox_id);
  [[nodiscard]] const std::string& Url() const { return url_; }

 private:
  using ConnectionPtr = std::shared_ptr<ClientConnection>;

  base::Status Listen();
  [[nodiscard]] Awaitable<void> Accept();
  [[nodiscard]] Awaitable<void> Purge();
  [[nodiscard]] Awaitable<void> EndAll();
  void OnAccepted(base::UniqueFd fd);

  const ServerOptions options_;
  dockerapi::Client& docker_;
  TokenTable tokens_;
  std::string url_;
  Loop loop_;
  std::unique_ptr<TlsIdentity> identity_;  ///< none: plain HTTP
  tcp::acceptor acceptor_;
  asio::steady_timer purge_timer_;
  std::unordered_set<ConnectionPtr> connections_;  ///< the loop's thread only
  bool stopping_ = false;                          ///< the loop's thread only
  std::jthread thread_;
};

base::Status Server::Impl::Listen() {
  const auto endpoint = ParseAddress(options_.address);
  if (!endpoint) return Fail(endpoint.error(), "streaming server");
  error_code error;
  acceptor_.open(endpoint->protocol(), error);
  if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor_.bind(*endpoint, error);
  if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
  if (!error) acceptor_.native_non_blocking(true, error);
  if (error) {
    return Fail(Code::kUnavailable, "streaming server: listen at {}: {}", options_.address,
                error.message());
  }
  url_ = options_.base_url;
  if (url_.empty()) url_ = UrlOf(identity_ ? "https" : "http", acceptor_.local_endpoint(error));
  return {};
}

base::Status Server::Impl::Start() {
  if (options_.tls_certificate.empty() != options_.tls_key.empty()) {
    return Fail(Code::kInvalidArgument,
                "streaming server: a TLS certificate and its key only go together");
  }
  if (!options_.tls_certificate.empty()) {
    auto identity = TlsIdentity::Load(options_.tls_certificate, options_.tls_key);
    if (!identity) return Fail(identity.error(), "streaming server");
    identity_ = std::move(*identity);
  }
  if (auto listening = Listen(); !listening) return listening;
  loop_.Spawn(Accept());
  loop_.Spawn(Purge());
  thread_ = std::jthread([this] {
    // Nothing but a bug throws here; the other sessions go on.
    while (true) {
      try {
        loop_.Io().run();
        return;
      } catch (const std::exception& error) {
        spdlog::error("streaming: {}", error.what());
      }
    }
  });
  return {};
}

void Server::Impl::Stop() {
  if (!thread_.joinable()) return;
  asio::post(loop_.Io(), [this] { loop_.Spawn(EndAll()); });
  thread_.join();
  loop_.Pool().Join();
}

Awaitable<void> Server::Impl::EndAll() {
  stopping_ = true;
  error_code ignored;
  acceptor_.close(ignored);
  purge_timer_.cancel();
  loop_.StopBlocking();
  for (const auto& connection : std::unordered_set(connections_)) {
    connection->Abort("the streaming server stops");
  }
  const auto deadline = std::chrono::steady_clock::now() + kStopLimit;
  while (!connections_.empty() && std::chrono::steady_clock::now() < deadline) {
    co_await Pause(loop_, std::chrono::milliseconds(10));
  }
  for (const auto& connection : std::unordered_set(connections_)) connection->Close();
  while (!connections_.empty()) co_await Pause(loop_, std::chrono::milliseconds(1));
  // What still waits, for an application that answers or for its time, waits for nobody.
  loop_.Io().stop();
}

Awaitable<void> Server::Impl::Accept() {
  while (!stopping_) {
    error_code error;
    co_await acceptor_.async_wait(tcp::acceptor::wait_read,
                                  asio::redirect_error(asio::use_awaitable, error));
    if (error) break;
    base::UniqueFd fd(
        ::accept4(acceptor_.native_handle(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (fd) {
      OnAccepted(std::move(fd));
    } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      co_await Pause(loop_, kAcceptPause);
    }
  }
}

void Server::Impl::OnAccepted(base::UniqueFd fd) {
  // Over the limit the descriptor is closed again: the client sees that at once.
  if (connections_.size() >= options_.max_connections) return;
  Tune(fd.Get());
  if (identity_) {
    auto relayed = RelayTls(loop_, *identity_, std::move(fd), options_.head_limit);
    if (!relayed) {
      spdlog::warn("streaming: {}", relayed.error().message);
      return;
    }
    fd = std::move(*relayed);
  }
  auto socket = Socket::Adopt(loop_, std::move(fd));
  if (!socket) {
    spdlog::warn("streaming: {}", socket.error().message);
    return;
  }
  const auto connection = std::make_shared<ClientConnection>(
      ServerContext{loop_, options_, docker_, tokens_}, std::move(*socket));
  connections_.insert(connection);
  connection->Start([this, key = std::weak_ptr(connection)] { connections_.erase(key.lock()); });
}

Awaitable<void> Server::Impl::Purge() {
  while (!stopping_) {
    error_code cancelled;
    purge_timer_.expires_after(kPurgePeriod);
    co_await purge_timer_.async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
    tokens_.Purge(TokenTable::Clock::now());
  }
}

Result<std::string> Server::Impl::Offer(const char* path, Request request) {
  if (url_.empty()) return Fail(Code::kUnavailable, "the streaming server does not run");
  const auto token = tokens_.Insert(std::move(request), TokenTable::Clock::now());
  if (!token) return Fail(token.error());
  return fmt::format("{}/{}/{}", url_, path, *token);
}

void Server::Impl::EndForwards(const std::string& sandbox_id) {
  asio::post(loop_.Io(), [this, sandbox_id] {
    for (const auto& connection : std::unordered_set(connections_)) {
      if (connection->ForwardedSandbox() == sandbox_id) connection->Abort("the pod has ended");
    }
  });
}

Server::Server(ServerOptions options, dockerapi::Client& docker)
    : impl_(std::make_unique<Impl>(std::move(options), docker)) {}

Server::~Server() { Stop(); }

base::Status Server::Start() { return impl_->Start(); }
void Server::Stop() { impl_->Stop(); }

Result<std::string> Server::Exec(ExecRequest request) {
  return impl_->Offer("exec", std::move(request));
}
Result<std::string> Server::Attach(AttachRequest request) {
  return impl_->Offer("attach", std::move(request));
}
Result<std::string> Server::PortForward(ForwardRequest request) {
  return impl_->Offer("portforward", std::move(request));
}
void Server::EndForwards(const std::string& sandbox_id) { impl_->EndForwards(sandbox_id); }
std::string Server::BaseUrl() const { return impl_->Url(); }

}  // namespace dockershimd::shim::streaming
