#pragma once

#include <cstdint>
#include <string_view>

#include "shim/streaming/loop.h"
#include "shim/streaming/wire/outcome.h"

namespace dockershimd::shim::streaming {

/// The streams of an exec or attach session, by their numbers in the WebSocket protocols.
enum class Channel : std::uint8_t { kStdin = 0, kStdout = 1, kStderr = 2, kError = 3, kResize = 4 };
inline constexpr std::size_t kChannels = 5;

/// The client of a session, whatever protocol carries its streams.
class ChannelMux {
 public:
  virtual ~ChannelMux() = default;
  /// Sends output, or drops it where the client did not ask for it.
  virtual void Send(Channel channel, std::string_view bytes) = 0;
  /// Ends the session: all that was sent, then how it ended, then the connection.
  virtual void Finish(const wire::Outcome& outcome) = 0;
  /// Waits until the client has taken most of what was sent.
  [[nodiscard]] virtual Awaitable<void> ClientRoom() = 0;
};

}  // namespace dockershimd::shim::streaming
