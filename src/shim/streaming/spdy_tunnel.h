#pragma once

#include <memory>
#include <string>

#include "shim/streaming/client_protocol.h"
#include "shim/streaming/transport.h"
#include "shim/streaming/websocket_connection.h"

namespace dockershimd::shim::streaming {

/// Carries SPDY's bytes in binary messages; their borders mean nothing.
class TunnelTransport final : public Transport {
 public:
  TunnelTransport(std::shared_ptr<Socket> socket, std::shared_ptr<WebSocketConnection> connection)
      : Transport(std::move(socket)), connection_(std::move(connection)) {}

  void Send(std::string_view head, std::string_view payload) override {
    connection_->SendBinary(head, payload);
  }
  void Finish() override { connection_->Close(wire::kWebSocketNormalClosure); }

 private:
  std::shared_ptr<WebSocketConnection> connection_;
};

/// A SPDY session inside a WebSocket.
class SpdyTunnel final : public ClientProtocol, private WebSocketConnection::Owner {
 public:
  SpdyTunnel(std::shared_ptr<WebSocketConnection> connection, std::shared_ptr<ClientProtocol> inner)
      : connection_(std::move(connection)), inner_(std::move(inner)) {}

  base::Status Feed(std::span<char> bytes) override { return connection_->Feed(bytes, *this); }
  Awaitable<void> Room() override { return inner_->Room(); }
  bool IsSetUp() const override { return inner_->IsSetUp(); }
  void Abort(const std::string& reason) override { inner_->Abort(reason); }
  void OnGone() override { inner_->OnGone(); }

 private:
  void OnMessageBegin() override {}
  base::Status OnMessageBytes(std::string_view bytes) override {
    // The bytes are the reader's own, unmasked in place a moment ago.
    return inner_->Feed({const_cast<char*>(bytes.data()), bytes.size()});
  }
  base::Status OnMessageEnd() override { return {}; }

  std::shared_ptr<WebSocketConnection> connection_;
  std::shared_ptr<ClientProtocol> inner_;
};

}  // namespace dockershimd::shim::streaming
