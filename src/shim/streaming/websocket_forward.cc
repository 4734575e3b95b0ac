#include "shim/streaming/websocket_forward.h"

#include "base/encoding.h"

namespace dockershimd::shim::streaming {

/// The two channels of a port.
class WebSocketForward::PortChannels final : public ForwardClient {
 public:
  PortChannels(std::weak_ptr<WebSocketForward> owner,
               std::shared_ptr<WebSocketConnection> connection, wire::ChannelCoding coding,
               std::uint8_t data_channel)
      : owner_(std::move(owner)),
        connection_(std::move(connection)),
        coding_(coding),
        data_channel_(data_channel) {}

  /// Both channels begin with the port, little-endian.
  void Begin(std::uint16_t port) {
    const std::string bytes = {static_cast<char>(port & 0xff), static_cast<char>(port >> 8)};
    SendOn(data_channel_, bytes);
    SendOn(data_channel_ + 1, bytes);
  }

  void Send(std::string_view bytes) override { SendOn(data_channel_, bytes); }
  // There is no way to end one direction, or one port alone.
  void End() override { Done(); }
  void Drop() override { Done(); }
  void Refuse(const std::string& reason) override {
    SendOn(data_channel_ + 1, reason);
    Done();
  }
  Awaitable<void> ClientRoom() override { return connection_->Room(); }

 private:
  void SendOn(int channel, std::string_view bytes) {
    std::string encoded;
    if (coding_ == wire::ChannelCoding::kBase64) {
      encoded = base::Base64Encode(bytes);
      bytes = encoded;
    }
    connection_->SendFrame(
        wire::ChannelHeader(coding_, static_cast<std::uint8_t>(channel), bytes.size()), bytes);
  }

  void Done() {
    const auto owner = owner_.lock();
    if (owner && !std::exchange(done_, true)) owner->OnPortDone();
  }

  std::weak_ptr<WebSocketForward> owner_;
  std::shared_ptr<WebSocketConnection> connection_;
  wire::ChannelCoding coding_;
  std::uint8_t data_channel_;
  bool done_ = false;
};

WebSocketForward::WebSocketForward(std::shared_ptr<Socket> socket, const wire::Upgrade& upgrade)
    : connection_(std::make_shared<WebSocketConnection>(std::move(socket))),
      coding_(upgrade.coding),
      decoder_(upgrade.coding, false) {}

void WebSocketForward::Start(Loop& loop, const PodConnector& connector, const std::string& pod,
                             const std::vector<std::uint16_t>& ports) {
  for (std::size_t i = 0; i < ports.size(); ++i) {
    const auto client = std::make_shared<PortChannels>(weak_from_this(), connection_, coding_,
                                                       static_cast<std::uint8_t>(2 * i));
    client->Begin(ports[i]);
    ports_.push_back(std::make_shared<ForwardedConnection>(loop, ports[i], client));
  }
  for (const auto& port : ports_) port->Start(connector, pod);
  if (ports_.empty()) Abort("");
}

Awaitable<void> WebSocketForward::Room() {
  const auto self = shared_from_this();
  const auto ports = ports_;
  for (const auto& port : ports) co_await port->Room();
  co_await connection_->AnswerRoom();
}

base::Status WebSocketForward::OnMessageBytes(std::string_view bytes) {
  return decoder_.Feed(bytes, *this);
}

void WebSocketForward::OnChannelData(std::uint8_t channel, std::string_view bytes) {
  const std::size_t index = channel / 2;
  if (channel % 2 == 0 && index < ports_.size()) ports_[index]->OnData(bytes);
}

void WebSocketForward::OnPortDone() {
  if (++done_ == ports_.size()) Abort("");
}

void WebSocketForward::Abort(const std::string&) {
  if (!std::exchange(closed_, true)) connection_->Close(wire::kWebSocketNormalClosure);
}

void WebSocketForward::OnGone() {
  for (const auto& port : ports_) port->OnGone();
}

}  // namespace dockershimd::shim::streaming
