#pragma once

#include <memory>
#include <string>

#include "shim/streaming/channel_mux.h"
#include "shim/streaming/channel_session.h"
#include "shim/streaming/client_protocol.h"
#include "shim/streaming/requests.h"
#include "shim/streaming/websocket_connection.h"
#include "shim/streaming/wire/handshake.h"

namespace dockershimd::shim::streaming {

/// An exec or attach session over a WebSocket: a message names its channel.
class WebSocketChannels final : public ClientProtocol,
                                public ChannelMux,
                                public std::enable_shared_from_this<WebSocketChannels>,
                                private WebSocketConnection::Owner,
                                private wire::ChannelDecoder::Events {
 public:
  WebSocketChannels(std::shared_ptr<Socket> socket, const StreamChoice& streams,
                    const wire::Upgrade& upgrade, std::shared_ptr<ChannelSession> session);

  /// Begins the session: here the client has nothing to open.
  void Start();

  base::Status Feed(std::span<char> bytes) override { return connection_.Feed(bytes, *this); }
  Awaitable<void> Room() override;
  bool IsSetUp() const override { return true; }
  void Abort(const std::string& reason) override;
  void OnGone() override;

  void Send(Channel channel, std::string_view bytes) override;
  void Finish(const wire::Outcome& outcome) override;
  Awaitable<void> ClientRoom() override { return connection_.Room(); }

 private:
  void OnMessageBegin() override { decoder_.BeginMessage(); }
  base::Status OnMessageBytes(std::string_view bytes) override;
  base::Status OnMessageEnd() override { return decoder_.EndMessage(*this); }
  void OnChannelData(std::uint8_t channel, std::string_view bytes) override;
  void OnChannelClose(std::uint8_t channel) override;
  void SendMessage(Channel channel, std::string_view bytes);

  WebSocketConnection connection_;
  StreamChoice streams_;
  wire::ChannelCoding coding_;
  int version_;
  wire::ChannelDecoder decoder_;
  std::shared_ptr<ChannelSession> session_;
  bool finished_ = false;
};

}  // namespace dockershimd::shim::streaming
