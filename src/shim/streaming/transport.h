#pragma once

#include <initializer_list>
#include <memory>
#include <string_view>

#include "shim/streaming/socket.h"

namespace dockershimd::shim::streaming {

/// How long a client has to close its side after the last byte of a session.
inline constexpr std::chrono::seconds kDrainLimit(5);
/// Answers such as pings go out even while the client takes nothing else, up to this much; then
/// nothing is read from it either.
inline constexpr std::size_t kAnswerLimit = 1 << 20;

/// What SPDY's bytes travel on: the connection itself, or the messages of a WebSocket on it.
class Transport {
 public:
  explicit Transport(std::shared_ptr<Socket> socket) : socket_(std::move(socket)) {}
  virtual ~Transport() = default;
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;

  /// Sends two pieces as one.
  virtual void Send(std::string_view head, std::string_view payload) {
    socket_->Send({head, payload});
  }
  /// Nothing more comes; the client may close.
  virtual void Finish() { socket_->FinishThenClose(kDrainLimit); }
  [[nodiscard]] Socket& Underlying() { return *socket_; }

 private:
  std::shared_ptr<Socket> socket_;
};

}  // namespace dockershimd::shim::streaming
