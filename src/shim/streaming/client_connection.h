#pragma once

#include <expected>
#include <functional>
#include <memory>
#include <string>

#include "shim/streaming/client_protocol.h"
#include "shim/streaming/server.h"
#include "shim/streaming/socket.h"
#include "shim/streaming/token_table.h"
#include "shim/streaming/wire/handshake.h"

namespace dockershimd::shim::streaming {

/// What connections share of their server.
struct ServerContext {
  Loop& loop;
  const ServerOptions& options;
  dockerapi::Client& docker;
  TokenTable& tokens;
};

/// One client's connection: its HTTP request, then the protocol that was agreed on, within the
/// server's limits of time. Used on the loop's thread only.
class ClientConnection : public std::enable_shared_from_this<ClientConnection> {
 public:
  ClientConnection(ServerContext context, std::shared_ptr<Socket> socket)
      : context_(context), socket_(std::move(socket)), watch_timer_(context.loop.Io()) {}

  /// Serves the client to the end, then calls `on_end`.
  void Start(std::function<void()> on_end);
  /// Ends it and lets the client know why.
  void Abort(const std::string& reason);
  /// Ends it at once.
  void Close();
  /// The pod whose ports are forwarded, if they are.
  [[nodiscard]] const std::string& ForwardedSandbox() const { return forwarded_sandbox_; }

 private:
  using Self = std::shared_ptr<ClientConnection>;
  [[nodiscard]] Awaitable<void> Run(Self self);
  /// The head of the request; the rest of what was read goes to `*rest`. Empty: none came.
  [[nodiscard]] Awaitable<std::string> ReadHead(std::string* rest);
  [[nodiscard]] Awaitable<void> Converse(std::string rest);
  [[nodiscard]] Awaitable<void> Drain();
  [[nodiscard]] Awaitable<void> Watch(Self self);
  [[nodiscard]] std::chrono::steady_clock::time_point Deadline() const;

  [[nodiscard]] std::expected<void, wire::HttpAnswer> Accept(const std::string& head);
  void Begin(Request request, const wire::Upgrade& upgrade);
  [[nodiscard]] std::shared_ptr<ClientProtocol> MakeForward(ForwardRequest request,
                                                            const wire::Upgrade& upgrade);

  ServerContext context_;
  std::shared_ptr<Socket> socket_;
  boost::asio::steady_timer watch_timer_;
  std::shared_ptr<ClientProtocol> protocol_;
  std::string forwarded_sandbox_;
  std::chrono::steady_clock::time_point stage_began_ = std::chrono::steady_clock::now();
  bool ended_ = false;
  bool aborted_ = false;
};

}  // namespace dockershimd::shim::streaming
