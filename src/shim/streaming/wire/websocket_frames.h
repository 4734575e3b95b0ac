#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace dockershimd::shim::streaming::wire {

enum class WebSocketOpcode : std::uint8_t {
  kContinuation = 0,
  kText = 1,
  kBinary = 2,
  kClose = 8,
  kPing = 9,
  kPong = 10,
};

constexpr std::uint16_t kWebSocketNormalClosure = 1000;
constexpr std::uint16_t kWebSocketProtocolError = 1002;

/// The bytes before a server's unfragmented, unmasked frame with `length` bytes.
[[nodiscard]] std::string WebSocketHeader(WebSocketOpcode opcode, std::uint64_t length);
/// A whole Close frame.
[[nodiscard]] std::string WebSocketClose(std::uint16_t code);

/// Reads a client's WebSocket bytes (RFC 6455, no extensions), cut in any way. Messages are
/// handed on as they come, put together from their fragments.
class WebSocketDecoder {
 public:
  class Events {
   public:
    virtual ~Events() = default;
    virtual void OnMessageBegin() = 0;
    virtual void OnMessageBytes(std::string_view bytes) = 0;
    virtual void OnMessageEnd() = 0;
    virtual void OnPing(std::string_view payload) = 0;
    /// The client's last frame; what follows is dropped.
    virtual void OnClose() = 0;
  };

  /// Unmasks in place. An error is the client's: close with kWebSocketProtocolError.
  [[nodiscard]] base::Status Feed(std::span<char> bytes, Events& events);

 private:
  [[nodiscard]] std::size_t HeaderSize() const;
  [[nodiscard]] base::Status BeginFrame(Events& events);
  void OnPayload(std::span<char> payload, Events& events);
  void EndFrame(Events& events);
  [[nodiscard]] bool IsControl() const { return (static_cast<std::uint8_t>(opcode_) & 8) != 0; }

  std::string header_;   ///< of the frame that is being read
  std::string control_;  ///< its payload so far, of a control frame
  std::string mask_;
  std::uint64_t remaining_ = 0;
  std::uint64_t mask_offset_ = 0;
  WebSocketOpcode opcode_ = WebSocketOpcode::kContinuation;
  bool fin_ = false;
  bool in_frame_ = false;
  bool in_message_ = false;
  bool closed_ = false;
};

}  // namespace dockershimd::shim::streaming::wire
