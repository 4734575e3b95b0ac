#include "shim/streaming/wire/spdy_frames.h"

#include <algorithm>

#include "shim/streaming/wire/big_endian.h"

namespace dockershimd::shim::streaming::wire {
namespace {

using base::Code;
using base::Fail;
using namespace std::string_view_literals;

constexpr std::size_t kFrameHeader = 8;
constexpr std::size_t kControlLimit = 64 << 10;
constexpr std::uint32_t kStreamMask = 0x7fffffff;
constexpr std::uint8_t kFin = 0x01;

enum Type : std::uint16_t {
  kSynStream = 1,
  kSynReply = 2,
  kRstStream = 3,
  kSettings = 4,
  kPing = 6,
  kGoAway = 7,
  kHeaders = 8,
  kWindowUpdate = 9,
};

std::string ControlHeader(Type type, std::size_t length) {
  std::string frame;
  AppendBigEndian(0x8003, 2, &frame);
  AppendBigEndian(type, 2, &frame);
  AppendBigEndian(0, 1, &frame);
  AppendBigEndian(length, 3, &frame);
  return frame;
}

bool IsControl(std::string_view header) { return (header[0] & 0x80) != 0; }
StreamId DataStream(std::string_view header) {
  return static_cast<StreamId>(ReadBigEndian(header.substr(0, 4)));
}
std::uint8_t Flags(std::string_view header) { return static_cast<std::uint8_t>(header[4]); }

}  // namespace

std::string DataHeader(StreamId stream, std::size_t length, bool fin) {
  std::string frame;
  AppendBigEndian(stream, 4, &frame);
  AppendBigEndian(fin ? kFin : 0, 1, &frame);
  AppendBigEndian(length, 3, &frame);
  return frame;
}

std::string SynReply(StreamId stream, bool first) {
  // No header needs no compressor: a stored block of "0 headers", then the empty one that a
  // reader waits for. Before the first comes zlib's own header with the dictionary's checksum.
  constexpr auto kZlibHeader = "\x78\xf9\xe3\xc6\xa7\xc2"sv;
  constexpr auto kNoHeaders = "\x00\x04\x00\xfb\xff\x00\x00\x00\x00\x00\x00\x00\xff\xff"sv;
  const std::size_t block = kNoHeaders.size() + (first ? kZlibHeader.size() : 0);
  std::string frame = ControlHeader(kSynReply, 4 + block);
  AppendBigEndian(stream, 4, &frame);
  if (first) frame += kZlibHeader;
  frame += kNoHeaders;
  return frame;
}

std::string ResetFrame(StreamId stream, ResetCode code) {
  std::string frame = ControlHeader(kRstStream, 8);
  AppendBigEndian(stream, 4, &frame);
  AppendBigEndian(static_cast<std::uint32_t>(code), 4, &frame);
  return frame;
}

std::string PingFrame(std::uint32_t id) {
  std::string frame = ControlHeader(kPing, 4);
  AppendBigEndian(id, 4, &frame);
  return frame;
}

std::string GoAwayFrame(StreamId last_stream) {
  std::string frame = ControlHeader(kGoAway, 8);
  AppendBigEndian(last_stream, 4, &frame);
  AppendBigEndian(0, 4, &frame);
  return frame;
}

base::Status SpdyDecoder::Feed(std::string_view bytes, Events& events) {
  while (!bytes.empty()) {
    if (!in_frame_) {
      const std::size_t take = std::min(kFrameHeader - header_.size(), bytes.size());
      header_.append(bytes.substr(0, take));
      bytes.remove_prefix(take);
      if (header_.size() < kFrameHeader) return {};
      if (auto begun = BeginFrame(); !begun) return begun;
    }
    const auto body = bytes.substr(0, std::min(remaining_, bytes.size()));
    bytes.remove_prefix(body.size());
    remaining_ -= body.size();
    if (IsControl(header_)) {
      control_.append(body);
    } else if (!body.empty()) {
      events.OnData(DataStream(header_), body);
    }
    if (remaining_ > 0) continue;
    if (IsControl(header_)) {
      if (auto done = OnControl(events); !done) return done;
    } else if ((Flags(header_) & kFin) != 0) {
      events.OnFin(DataStream(header_));
    }
    in_frame_ = false;
    header_.clear();
    control_.clear();
  }
  return {};
}

base::Status SpdyDecoder::BeginFrame() {
  remaining_ = ReadBigEndian(std::string_view(header_).substr(5));
  in_frame_ = true;
  if (IsControl(header_) && remaining_ > kControlLimit) {
    return Fail(Code::kInvalidArgument, "SPDY: a control frame of {} bytes", remaining_);
  }
  return {};
}

base::Status SpdyDecoder::OnControl(Events& events) {
  const auto type = ReadBigEndian(std::string_view(header_).substr(2, 2));
  const std::string_view body = control_;
  const auto number = [&](std::size_t offset) {
    return static_cast<std::uint32_t>(ReadBigEndian(body.substr(offset, 4)));
  };
  const auto wrong_size = [&] {
    return Fail(Code::kInvalidArgument, "SPDY: a frame of type {} with {} bytes", type,
                body.size());
  };
  switch (type) {
    case kSynStream:
      return OnHeaderBlock(10, events);
    case kSynReply:
    case kHeaders:
      return OnHeaderBlock(4, events);
    case kRstStream:
      if (body.size() != 8) return wrong_size();
      events.OnReset(number(0) & kStreamMask);
      return {};
    case kPing:
      if (body.size() != 4 || number(0) == 0) return wrong_size();
      events.OnPing(number(0));
      return {};
    case kGoAway:
      if (body.size() != 8) return wrong_size();
      events.OnGoAway();
      return {};
    case kSettings:
    case kWindowUpdate:
      return {};
    default:
      return Fail(Code::kInvalidArgument, "SPDY: a frame of the unknown type {}", type);
  }
}

base::Status SpdyDecoder::OnHeaderBlock(std::size_t fixed_size, Events& events) {
  const std::string_view body = control_;
  if (body.size() < fixed_size) {
    return Fail(Code::kInvalidArgument, "SPDY: a cut frame with headers");
  }
  // Inflated even where nobody wants it: the next block builds on this one.
  const auto block = inflater_.Inflate(body.substr(fixed_size));
  if (!block) return Fail(block.error());
  if (ReadBigEndian(std::string_view(header_).substr(2, 2)) != kSynStream) return {};
  const auto headers = ParseHeaderBlock(*block);
  if (!headers) return Fail(headers.error());
  const auto stream = static_cast<StreamId>(ReadBigEndian(body.substr(0, 4))) & kStreamMask;
  events.OnSynStream(stream, *headers, (Flags(header_) & kFin) != 0);
  return {};
}

}  // namespace dockershimd::shim::streaming::wire
