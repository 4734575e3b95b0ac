#include "shim/streaming/websocket_channels.h"

#include "base/encoding.h"

namespace dockershimd::shim::streaming {
namespace {

/// Only from this version on can a client say that stdin has ended.
constexpr int kFirstWithClose = 5;

}  // namespace

WebSocketChannels::WebSocketChannels(std::shared_ptr<Socket> socket, const StreamChoice& streams,
                                     const wire::Upgrade& upgrade,
                                     std::shared_ptr<ChannelSession> session)
    : connection_(std::move(socket)),
      streams_(streams),
      coding_(upgrade.coding),
      version_(upgrade.version),
      decoder_(upgrade.coding, upgrade.version >= kFirstWithClose),
      session_(std::move(session)) {}

void WebSocketChannels::Start() {
  // An empty message on the first channel that a client reads: the session has begun.
  const Channel first = streams_.stdout_stream   ? Channel::kStdout
                        : streams_.stderr_stream ? Channel::kStderr
                                                 : Channel::kError;
  SendMessage(first, {});
  session_->Start(shared_from_this());
}

Awaitable<void> WebSocketChannels::Room() {
  const auto self = shared_from_this();
  if (session_) co_await session_->Room();
  co_await connection_.AnswerRoom();
}

base::Status WebSocketChannels::OnMessageBytes(std::string_view bytes) {
  return decoder_.Feed(bytes, *this);
}

void WebSocketChannels::OnChannelData(std::uint8_t channel, std::string_view bytes) {
  if (!session_) return;
  if (channel == static_cast<std::uint8_t>(Channel::kStdin)) session_->OnStdin(bytes);
  if (channel == static_cast<std::uint8_t>(Channel::kResize)) session_->OnResize(bytes);
}

void WebSocketChannels::OnChannelClose(std::uint8_t channel) {
  if (session_ && channel == static_cast<std::uint8_t>(Channel::kStdin)) session_->OnStdinEnd();
}

void WebSocketChannels::Send(Channel channel, std::string_view bytes) {
  const bool wanted = channel == Channel::kStdout ? streams_.stdout_stream : streams_.stderr_stream;
  if (wanted && !bytes.empty()) SendMessage(channel, bytes);
}

void WebSocketChannels::SendMessage(Channel channel, std::string_view bytes) {
  std::string encoded;
  if (coding_ == wire::ChannelCoding::kBase64) {
    encoded = base::Base64Encode(bytes);
    bytes = encoded;
  }
  connection_.SendFrame(
      wire::ChannelHeader(coding_, static_cast<std::uint8_t>(channel), bytes.size()), bytes);
}

void WebSocketChannels::Finish(const wire::Outcome& outcome) {
  if (std::exchange(finished_, true)) return;
  const std::string status = wire::StatusText(outcome, version_);
  if (!status.empty()) SendMessage(Channel::kError, status);
  connection_.Close(wire::kWebSocketNormalClosure);
  session_ = nullptr;
}

void WebSocketChannels::Abort(const std::string& reason) {
  const auto session = session_;
  Finish(wire::Outcome::Failed(reason));
  if (session) session->OnGone();
}

void WebSocketChannels::OnGone() {
  if (const auto session = std::exchange(session_, nullptr)) session->OnGone();
}

}  // namespace dockershimd::shim::streaming
