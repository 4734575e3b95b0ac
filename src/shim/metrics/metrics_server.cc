#include "shim/metrics/metrics_server.h"

// The wrapper goes first: it makes Boost 1.74 compile.
#include "dockerapi/asio.h"
//
#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <exception>
#include <thread>
#include <utility>

#include "base/log.h"

namespace dockershimd::shim::metrics {
namespace {

namespace beast = boost::beast;
namespace http = beast::http;
using base::Code;
using base::Fail;
using boost::asio::ip::tcp;

constexpr std::chrono::seconds kPatience(5);

base::Result<tcp::endpoint> ParseAddress(const std::string& address) {
  const auto colon = address.rfind(':');
  boost::system::error_code error;
  if (colon != std::string::npos) {
    std::string host = address.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    const auto ip = boost::asio::ip::make_address(host, error);
    const auto port = std::strtoul(address.c_str() + colon + 1, nullptr, 10);
    if (!error && port <= 65535) return tcp::endpoint(ip, static_cast<std::uint16_t>(port));
  }
  return Fail(Code::kInvalidArgument, "metrics_address: '{}' is no address like 127.0.0.1:9099",
              address);
}

class Server final : public MetricsServer {
 public:
  explicit Server(std::function<std::string()> text) : text_(std::move(text)) {}

  ~Server() override {
    loop_.stop();
    if (thread_.joinable()) thread_.join();
  }

  base::Status Listen(const tcp::endpoint& endpoint) {
    boost::system::error_code error;
    acceptor_.open(endpoint.protocol(), error);
    if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor_.bind(endpoint, error);
    if (!error) acceptor_.listen(16, error);
    if (error) {
      return Fail(Code::kUnavailable, "metrics_address: cannot listen on {}:{}: {}",
                  endpoint.address().to_string(), endpoint.port(), error.message());
    }
    Accept();
    thread_ = std::jthread([this] { loop_.run(); });
    return {};
  }

  [[nodiscard]] std::uint16_t Port() const override { return acceptor_.local_endpoint().port(); }

 private:
  struct Session {
    explicit Session(tcp::socket socket) : stream(std::move(socket)) {}
    beast::tcp_stream stream;
    beast::flat_buffer buffer;
    http::request<http::empty_body> request;
    http::response<http::string_body> response;
  };

  void Accept() {
    acceptor_.async_accept([this](boost::system::error_code error, tcp::socket socket) {
      if (!error) Answer(std::make_shared<Session>(std::move(socket)));
      if (acceptor_.is_open()) Accept();
    });
  }

  void Answer(const std::shared_ptr<Session>& session) {
    session->stream.expires_after(kPatience);
    http::async_read(session->stream, session->buffer, session->request,
                     [this, session](beast::error_code error, std::size_t) {
                       if (!error) Write(session);
                     });
  }

  void Write(const std::shared_ptr<Session>& session) {
    auto& response = session->response;
    const bool found =
        session->request.method() == http::verb::get && session->request.target() == "/metrics";
    response.result(found ? http::status::ok : http::status::not_found);
    response.set(http::field::content_type, "text/plain; version=0.0.4");
    response.body() = found ? text_() : "try GET /metrics\n";
    response.keep_alive(false);
    response.prepare_payload();
    http::async_write(session->stream, response, [session](beast::error_code, std::size_t) {
      beast::error_code ignored;
      session->stream.socket().shutdown(tcp::socket::shutdown_both, ignored);
    });
  }

  std::function<std::string()> text_;
  boost::asio::io_context loop_{1};
  tcp::acceptor acceptor_{loop_};
  std::jthread thread_;
};

}  // namespace

base::Result<std::unique_ptr<MetricsServer>> MetricsServer::Start(
    const std::string& address, std::function<std::string()> text) {
  const auto endpoint = ParseAddress(address);
  if (!endpoint) return Fail(endpoint.error());
  try {
    auto server = std::make_unique<Server>(std::move(text));
    if (auto listening = server->Listen(*endpoint); !listening) return Fail(listening.error());
    return server;
  } catch (const std::exception& error) {
    return Fail(Code::kInternal, "metrics_address: {}", error.what());
  }
}

}  // namespace dockershimd::shim::metrics
