#include <algorithm>

#include "dockerapi/streams.h"

namespace dockershimd::dockerapi {
namespace {

using base::Code;
using base::Fail;

constexpr std::size_t kHeaderSize = 8;
constexpr std::uint8_t kSystemError = 3;
constexpr std::size_t kSystemErrorLimit = 16384;

std::size_t BigEndian(std::string_view bytes) {
  std::size_t value = 0;
  for (const char byte : bytes) value = value << 8 | static_cast<unsigned char>(byte);
  return value;
}

}  // namespace

base::Status Demultiplexer::Feed(std::string_view bytes, const Sink& sink) {
  while (!bytes.empty()) {
    if (remaining_ == 0) {
      const std::size_t take = std::min(kHeaderSize - header_.size(), bytes.size());
      header_.append(bytes.substr(0, take));
      bytes.remove_prefix(take);
      if (header_.size() < kHeaderSize) return {};
      stream_ = static_cast<std::uint8_t>(header_[0]);
      if (stream_ > kSystemError || header_.substr(1, 3) != std::string_view("\0\0\0", 3)) {
        return Fail(Code::kInternal, "not a multiplexed Docker stream (header byte {})", stream_);
      }
      remaining_ = BigEndian(std::string_view(header_).substr(4));
      header_.clear();
    }
    const auto payload = bytes.substr(0, std::min(remaining_, bytes.size()));
    remaining_ -= payload.size();
    bytes.remove_prefix(payload.size());
    if (stream_ != kSystemError) {
      const auto which = stream_ == 2 ? OutputStream::kStderr : OutputStream::kStdout;
      if (!payload.empty()) sink(which, payload);
      continue;
    }
    const std::size_t room = kSystemErrorLimit - std::min(kSystemErrorLimit, system_error_.size());
    system_error_.append(payload.substr(0, room));
    if (remaining_ == 0) return Fail(Code::kInternal, "Docker: {}", system_error_);
  }
  return {};
}

}  // namespace dockershimd::dockerapi
