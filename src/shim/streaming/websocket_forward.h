#pragma once

#include <memory>
#include <string>
#include <vector>

#include "shim/streaming/client_protocol.h"
#include "shim/streaming/forwarded_connection.h"
#include "shim/streaming/websocket_connection.h"
#include "shim/streaming/wire/handshake.h"

namespace dockershimd::shim::streaming {

/// Port-forward over a WebSocket of the channel.k8s.io family: one connection a port, all made at
/// once, channels 2i for the data and 2i+1 for the error of the port at i.
class WebSocketForward final : public ClientProtocol,
                               public std::enable_shared_from_this<WebSocketForward>,
                               private WebSocketConnection::Owner,
                               private wire::ChannelDecoder::Events {
 public:
  WebSocketForward(std::shared_ptr<Socket> socket, const wire::Upgrade& upgrade);

  void Start(Loop& loop, const PodConnector& connector, const std::string& pod,
             const std::vector<std::uint16_t>& ports);

  base::Status Feed(std::span<char> bytes) override { return connection_->Feed(bytes, *this); }
  Awaitable<void> Room() override;
  bool IsSetUp() const override { return true; }
  void Abort(const std::string& reason) override;
  void OnGone() override;

 private:
  class PortChannels;

  void OnMessageBegin() override { decoder_.BeginMessage(); }
  base::Status OnMessageBytes(std::string_view bytes) override;
  base::Status OnMessageEnd() override { return decoder_.EndMessage(*this); }
  void OnChannelData(std::uint8_t channel, std::string_view bytes) override;
  void OnChannelClose(std::uint8_t) override {}
  void OnPortDone();

  std::shared_ptr<WebSocketConnection> connection_;
  wire::ChannelCoding coding_;
  wire::ChannelDecoder decoder_;
  std::vector<std::shared_ptr<ForwardedConnection>> ports_;
  std::size_t done_ = 0;
  bool closed_ = false;
};

}  // namespace dockershimd::shim::streaming
