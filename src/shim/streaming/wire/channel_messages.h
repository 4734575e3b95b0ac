#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace dockershimd::shim::streaming::wire {

/// How the channel.k8s.io family of WebSocket protocols writes a message: a byte for the channel
/// and the payload, or the channel's digit and the payload in base64.
enum class ChannelCoding : std::uint8_t { kBinary, kBase64 };

/// Takes a client's messages apart into channels. Binary payloads are handed on as they come.
class ChannelDecoder {
 public:
  class Events {
   public:
    virtual ~Events() = default;
    virtual void OnChannelData(std::uint8_t channel, std::string_view bytes) = 0;
    /// The client will send nothing more on this channel (v5).
    virtual void OnChannelClose(std::uint8_t channel) = 0;
  };

  /// `with_close`: whether channel 255 closes another one (v5).
  ChannelDecoder(ChannelCoding coding, bool with_close)
      : coding_(coding), with_close_(with_close) {}

  void BeginMessage();
  /// An error is the client's: a base64 message of more than 1 MiB.
  [[nodiscard]] base::Status Feed(std::string_view bytes, Events& events);
  /// An error is the client's: bad base64, a close message of another length than its own.
  [[nodiscard]] base::Status EndMessage(Events& events);

 private:
  [[nodiscard]] bool IsClose() const;

  ChannelCoding coding_;
  bool with_close_;
  bool has_channel_ = false;
  std::uint8_t channel_ = 0;
  std::string collected_;  ///< of base64 and of close messages
};

/// The same for a server: what goes before a payload of `length` bytes, WebSocket header included.
/// For base64 the payload has to be encoded first.
[[nodiscard]] std::string ChannelHeader(ChannelCoding coding, std::uint8_t channel,
                                        std::size_t length);

}  // namespace dockershimd::shim::streaming::wire
