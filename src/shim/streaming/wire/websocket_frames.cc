#include "shim/streaming/wire/websocket_frames.h"

#include <algorithm>

#include "shim/streaming/wire/big_endian.h"

namespace dockershimd::shim::streaming::wire {
namespace {

using base::Code;
using base::Fail;

constexpr std::size_t kControlLimit = 125;
constexpr std::size_t kMaskSize = 4;
constexpr std::uint8_t kFin = 0x80;
constexpr std::uint8_t kMasked = 0x80;
constexpr std::uint8_t kReserved = 0x70;
constexpr std::uint8_t k16BitLength = 126;
constexpr std::uint8_t k64BitLength = 127;

std::size_t LengthSize(std::uint8_t length) {
  if (length == k16BitLength) return 2;
  return length == k64BitLength ? 8 : 0;
}

bool IsKnown(WebSocketOpcode opcode) {
  switch (opcode) {
    case WebSocketOpcode::kContinuation:
    case WebSocketOpcode::kText:
    case WebSocketOpcode::kBinary:
    case WebSocketOpcode::kClose:
    case WebSocketOpcode::kPing:
    case WebSocketOpcode::kPong:
      return true;
  }
  return false;
}

}  // namespace

std::string WebSocketHeader(WebSocketOpcode opcode, std::uint64_t length) {
  std::string header(1, static_cast<char>(kFin | static_cast<std::uint8_t>(opcode)));
  if (length < k16BitLength) {
    AppendBigEndian(length, 1, &header);
  } else if (length <= 0xffff) {
    AppendBigEndian(k16BitLength, 1, &header);
    AppendBigEndian(length, 2, &header);
  } else {
    AppendBigEndian(k64BitLength, 1, &header);
    AppendBigEndian(length, 8, &header);
  }
  return header;
}

std::string WebSocketClose(std::uint16_t code) {
  std::string frame = WebSocketHeader(WebSocketOpcode::kClose, 2);
  AppendBigEndian(code, 2, &frame);
  return frame;
}

base::Status WebSocketDecoder::Feed(std::span<char> bytes, Events& events) {
  while (!bytes.empty() && !closed_) {
    if (!in_frame_) {
      header_.push_back(bytes.front());
      bytes = bytes.subspan(1);
      if (header_.size() < HeaderSize()) continue;
      if (auto begun = BeginFrame(events); !begun) return begun;
    }
    const auto payload = bytes.first(std::min<std::uint64_t>(remaining_, bytes.size()));
    bytes = bytes.subspan(payload.size());
    remaining_ -= payload.size();
    OnPayload(payload, events);
    if (remaining_ == 0) EndFrame(events);
  }
  return {};
}

std::size_t WebSocketDecoder::HeaderSize() const {
  if (header_.size() < 2) return 2;
  const auto second = static_cast<std::uint8_t>(header_[1]);
  return 2 + LengthSize(second & ~kMasked) + ((second & kMasked) != 0 ? kMaskSize : 0);
}

base::Status WebSocketDecoder::BeginFrame(Events& events) {
  const auto first = static_cast<std::uint8_t>(header_[0]);
  const auto second = static_cast<std::uint8_t>(header_[1]);
  opcode_ = static_cast<WebSocketOpcode>(first & 0x0f);
  fin_ = (first & kFin) != 0;
  const std::uint8_t length = second & ~kMasked;
  const std::size_t length_size = LengthSize(length);
  remaining_ =
      length_size == 0 ? length : ReadBigEndian(std::string_view(header_).substr(2, length_size));
  mask_ = header_.substr(2 + length_size);
  mask_offset_ = 0;
  in_frame_ = true;
  header_.clear();
  const auto refuse = [](const char* what) {
    return Fail(Code::kInvalidArgument, "WebSocket: {}", what);
  };
  if ((first & kReserved) != 0 || !IsKnown(opcode_)) return refuse("an unknown kind of frame");
  if ((second & kMasked) == 0) return refuse("a frame without mask");
  if (remaining_ >> 63 != 0) return refuse("a frame of impossible length");
  if (IsControl()) {
    if (!fin_ || remaining_ > kControlLimit) return refuse("a fragmented or long control frame");
    return {};
  }
  if ((opcode_ == WebSocketOpcode::kContinuation) != in_message_) {
    return refuse("a fragment out of order");
  }
  if (!in_message_) events.OnMessageBegin();
  in_message_ = true;
  return {};
}

void WebSocketDecoder::OnPayload(std::span<char> payload, Events& events) {
  for (std::size_t i = 0; i < payload.size(); ++i) {
    payload[i] = static_cast<char>(payload[i] ^ mask_[(mask_offset_ + i) % kMaskSize]);
  }
  mask_offset_ += payload.size();
  const std::string_view bytes(payload.data(), payload.size());
  if (IsControl()) {
    control_.append(bytes);
  } else if (!bytes.empty()) {
    events.OnMessageBytes(bytes);
  }
}

void WebSocketDecoder::EndFrame(Events& events) {
  in_frame_ = false;
  if (IsControl()) {
    const std::string payload = std::exchange(control_, {});
    if (opcode_ == WebSocketOpcode::kPing) events.OnPing(payload);
    if (opcode_ == WebSocketOpcode::kClose) {
      closed_ = true;
      events.OnClose();
    }
    return;
  }
  if (!fin_) return;
  in_message_ = false;
  events.OnMessageEnd();
}

}  // namespace dockershimd::shim::streaming::wire
