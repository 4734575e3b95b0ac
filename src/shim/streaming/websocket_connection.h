#pragma once

#include <memory>
#include <string_view>

#include "shim/streaming/transport.h"
#include "shim/streaming/wire/websocket_frames.h"

namespace dockershimd::shim::streaming {

/// The server's end of a WebSocket: answers pings and closes.
class WebSocketConnection : private wire::WebSocketDecoder::Events {
 public:
  /// What the messages are for. An error is the client's and ends the connection.
  class Owner {
   public:
    virtual ~Owner() = default;
    virtual void OnMessageBegin() = 0;
    [[nodiscard]] virtual base::Status OnMessageBytes(std::string_view bytes) = 0;
    [[nodiscard]] virtual base::Status OnMessageEnd() = 0;
  };

  explicit WebSocketConnection(std::shared_ptr<Socket> socket) : socket_(std::move(socket)) {}

  /// Takes bytes of the client, which are unmasked in place. An error: the connection is over,
  /// by the client's wish or by its fault, and the client was told.
  [[nodiscard]] base::Status Feed(std::span<char> bytes, Owner& owner);

  /// Sends a binary message in two pieces.
  void SendBinary(std::string_view head, std::string_view payload);
  /// Sends a frame whose header is part of `head`.
  void SendFrame(std::string_view head, std::string_view payload) {
    socket_->Send({head, payload});
  }
  /// Ends the connection from this side, after all that was sent.
  void Close(std::uint16_t code);

  [[nodiscard]] Awaitable<void> Room() { return socket_->Room(); }
  [[nodiscard]] Awaitable<void> AnswerRoom() { return socket_->Room(kAnswerLimit); }

 private:
  void OnMessageBegin() override;
  void OnMessageBytes(std::string_view bytes) override;
  void OnMessageEnd() override;
  void OnPing(std::string_view payload) override;
  void OnClose() override;

  std::shared_ptr<Socket> socket_;
  wire::WebSocketDecoder decoder_;
  Owner* owner_ = nullptr;  ///< set while it feeds
  base::Status state_;      ///< of the messages
};

}  // namespace dockershimd::shim::streaming
