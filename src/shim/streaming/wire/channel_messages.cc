#include "shim/streaming/wire/channel_messages.h"

#include "base/encoding.h"
#include "shim/streaming/wire/websocket_frames.h"

namespace dockershimd::shim::streaming::wire {
namespace {

using base::Code;
using base::Fail;

constexpr std::uint8_t kCloseChannel = 255;
constexpr std::size_t kBase64Limit = 1 << 20;

}  // namespace

void ChannelDecoder::BeginMessage() {
  has_channel_ = false;
  collected_.clear();
}

bool ChannelDecoder::IsClose() const { return with_close_ && channel_ == kCloseChannel; }

base::Status ChannelDecoder::Feed(std::string_view bytes, Events& events) {
  if (bytes.empty()) return {};
  if (!has_channel_) {
    channel_ = static_cast<std::uint8_t>(bytes.front());
    if (coding_ == ChannelCoding::kBase64) channel_ = static_cast<std::uint8_t>(channel_ - '0');
    has_channel_ = true;
    bytes.remove_prefix(1);
  }
  if (coding_ == ChannelCoding::kBinary && !IsClose()) {
    if (!bytes.empty()) events.OnChannelData(channel_, bytes);
    return {};
  }
  if (collected_.size() + bytes.size() > kBase64Limit) {
    return Fail(Code::kInvalidArgument, "WebSocket: a message of more than {} bytes", kBase64Limit);
  }
  collected_.append(bytes);
  return {};
}

base::Status ChannelDecoder::EndMessage(Events& events) {
  if (!has_channel_) return {};
  if (coding_ == ChannelCoding::kBase64) {
    const auto bytes = base::Base64Decode(collected_);
    if (!bytes) return Fail(bytes.error(), "WebSocket");
    if (!bytes->empty()) events.OnChannelData(channel_, *bytes);
  } else if (IsClose()) {
    if (collected_.size() != 1) {
      return Fail(Code::kInvalidArgument, "WebSocket: a close of {} channels", collected_.size());
    }
    events.OnChannelClose(static_cast<std::uint8_t>(collected_.front()));
  }
  collected_ = {};
  return {};
}

std::string ChannelHeader(ChannelCoding coding, std::uint8_t channel, std::size_t length) {
  const bool text = coding == ChannelCoding::kBase64;
  std::string header =
      WebSocketHeader(text ? WebSocketOpcode::kText : WebSocketOpcode::kBinary, length + 1);
  header.push_back(static_cast<char>(text ? '0' + channel : channel));
  return header;
}

}  // namespace dockershimd::shim::streaming::wire
