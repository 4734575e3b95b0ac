#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "shim/streaming/wire/channel_messages.h"

namespace dockershimd::shim::streaming::wire {

constexpr std::size_t kHeadLimit = 64 << 10;

/// The head of a client's HTTP request.
struct HttpHead {
  std::string method;
  std::string target;
  std::vector<std::pair<std::string, std::string>> fields;  ///< names in lower case
};

/// A whole HTTP answer, ready to be sent.
using HttpAnswer = std::string;

enum class SessionKind : std::uint8_t { kExec, kAttach, kForward };

/// What a request's path asks for.
struct Route {
  SessionKind kind = SessionKind::kExec;
  std::string token;
};

/// The protocol that client and server agree on.
struct Upgrade {
  enum class Framing : std::uint8_t { kSpdy, kWebSocket, kSpdyOverWebSocket };
  Framing framing = Framing::kSpdy;
  ChannelCoding coding = ChannelCoding::kBinary;  ///< for kWebSocket
  int version = 0;                                ///< of the channel protocol, 1..5
  HttpAnswer answer;                              ///< the 101, after which the protocol begins
};

/// Reads a head that ends with its empty line. The error is a 400 to answer with.
[[nodiscard]] std::expected<HttpHead, HttpAnswer> ParseHead(std::string_view head);

/// The error is a 404 or 405.
[[nodiscard]] std::expected<Route, HttpAnswer> RouteOf(const HttpHead& head);

/// Chooses the first protocol of the client's that the server has. The error is the refusal.
[[nodiscard]] std::expected<Upgrade, HttpAnswer> Negotiate(const HttpHead& head, SessionKind kind);

/// The answer to a token that is unknown, used, too old or for something else.
[[nodiscard]] HttpAnswer NotFoundAnswer();
/// A refusal for any other reason.
[[nodiscard]] HttpAnswer RefusalAnswer(int status, std::string_view text);

}  // namespace dockershimd::shim::streaming::wire
