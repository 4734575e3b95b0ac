#include "shim/streaming/websocket_connection.h"

namespace dockershimd::shim::streaming {

using wire::WebSocketOpcode;

base::Status WebSocketConnection::Feed(std::span<char> bytes, Owner& owner) {
  owner_ = &owner;
  if (auto fed = decoder_.Feed(bytes, *this); !fed && state_) state_ = fed;
  if (!state_) Close(wire::kWebSocketProtocolError);
  return state_;
}

void WebSocketConnection::SendBinary(std::string_view head, std::string_view payload) {
  auto frame = wire::WebSocketHeader(WebSocketOpcode::kBinary, head.size() + payload.size());
  frame.append(head);
  socket_->Send({frame, payload});
}

void WebSocketConnection::Close(std::uint16_t code) {
  socket_->Send({wire::WebSocketClose(code)});
  socket_->FinishThenClose(kDrainLimit);
}

void WebSocketConnection::OnMessageBegin() {
  if (state_) owner_->OnMessageBegin();
}

void WebSocketConnection::OnMessageBytes(std::string_view bytes) {
  if (state_) state_ = owner_->OnMessageBytes(bytes);
}

void WebSocketConnection::OnMessageEnd() {
  if (state_) state_ = owner_->OnMessageEnd();
}

void WebSocketConnection::OnPing(std::string_view payload) {
  socket_->Send({wire::WebSocketHeader(WebSocketOpcode::kPong, payload.size()), payload});
}

void WebSocketConnection::OnClose() {
  if (!state_) return;
  Close(wire::kWebSocketNormalClosure);
  state_ = base::Fail(base::Code::kCancelled, "the client said goodbye");
}

}  // namespace dockershimd::shim::streaming
