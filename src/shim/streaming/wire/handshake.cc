#include "shim/streaming/wire/handshake.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <span>

#include "base/digest.h"
#include "base/encoding.h"
#include "shim/streaming/asio.h"

namespace dockershimd::shim::streaming::wire {
namespace {

namespace http = boost::beast::http;

struct Protocol {
  std::string_view name;
  Upgrade::Framing framing;
  ChannelCoding coding;
  int version;
};

using enum Upgrade::Framing;

// The server's protocols, best first; what counts is the order in which the client names them.
constexpr std::array kSpdyChannels = {
    Protocol{"v4.channel.k8s.io", kSpdy, ChannelCoding::kBinary, 4},
    Protocol{"v3.channel.k8s.io", kSpdy, ChannelCoding::kBinary, 3},
    Protocol{"v2.channel.k8s.io", kSpdy, ChannelCoding::kBinary, 2},
    Protocol{"channel.k8s.io", kSpdy, ChannelCoding::kBinary, 1},
};
constexpr std::array kSpdyForward = {
    Protocol{"portforward.k8s.io", kSpdy, ChannelCoding::kBinary, 1},
};
constexpr std::array kWebSocketChannels = {
    Protocol{"v5.channel.k8s.io", kWebSocket, ChannelCoding::kBinary, 5},
    Protocol{"v4.channel.k8s.io", kWebSocket, ChannelCoding::kBinary, 4},
    Protocol{"v4.base64.channel.k8s.io", kWebSocket, ChannelCoding::kBase64, 4},
    Protocol{"channel.k8s.io", kWebSocket, ChannelCoding::kBinary, 1},
    Protocol{"base64.channel.k8s.io", kWebSocket, ChannelCoding::kBase64, 1},
};
constexpr std::array kWebSocketForward = {
    Protocol{"SPDY/3.1+portforward.k8s.io", kSpdyOverWebSocket, ChannelCoding::kBinary, 1},
    Protocol{"v4.channel.k8s.io", kWebSocket, ChannelCoding::kBinary, 4},
    Protocol{"v4.base64.channel.k8s.io", kWebSocket, ChannelCoding::kBase64, 4},
    Protocol{"channel.k8s.io", kWebSocket, ChannelCoding::kBinary, 1},
    Protocol{"base64.channel.k8s.io", kWebSocket, ChannelCoding::kBase64, 1},
};

using Protocols = std::span<const Protocol>;

Protocols ProtocolsOf(SessionKind kind, bool websocket) {
  const bool forward = kind == SessionKind::kForward;
  if (websocket) return forward ? Protocols(kWebSocketForward) : Protocols(kWebSocketChannels);
  return forward ? Protocols(kSpdyForward) : Protocols(kSpdyChannels);
}

std::string LowerCase(std::string_view text) {
  std::string lower(text);
  for (char& letter : lower) {
    if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
  }
  return lower;
}

std::string_view Trim(std::string_view text) {
  constexpr auto kBlank = " \t";
  const auto begin = text.find_first_not_of(kBlank);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlank) - begin + 1);
}

/// All values of a field, those in one comma list too, without empty ones.
std::vector<std::string> ListOf(const HttpHead& head, std::string_view name) {
  std::vector<std::string> values;
  for (const auto& [field, value] : head.fields) {
    if (field != name) continue;
    std::string_view rest = value;
    while (!rest.empty()) {
      const auto comma = rest.find(',');
      const auto item = Trim(rest.substr(0, comma));
      if (!item.empty()) values.emplace_back(item);
      rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
    }
  }
  return values;
}

std::string FirstOf(const HttpHead& head, std::string_view name) {
  for (const auto& [field, value] : head.fields) {
    if (field == name) return std::string(Trim(value));
  }
  return "";
}

bool AnyContains(const HttpHead& head, std::string_view name, std::string_view part) {
  return std::any_of(head.fields.begin(), head.fields.end(), [&](const auto& field) {
    return field.first == name && LowerCase(field.second).find(part) != std::string::npos;
  });
}

const Protocol* Choose(const std::vector<std::string>& offered, Protocols served) {
  for (const auto& name : offered) {
    const auto found = std::find_if(served.begin(), served.end(),
                                    [&](const Protocol& one) { return one.name == name; });
    if (found != served.end()) return &*found;
  }
  return nullptr;
}

HttpAnswer Answer(int status, std::string_view text, std::string_view more_fields = {}) {
  const auto reason = http::obsolete_reason(http::int_to_status(static_cast<unsigned>(status)));
  return fmt::format(
      "HTTP/1.1 {} {}\r\nContent-Type: text/plain; charset=utf-8\r\n{}Content-Length: {}\r\n"
      "Connection: close\r\n\r\n{}\n",
      status, std::string_view(reason.data(), reason.size()), more_fields, text.size() + 1, text);
}

/// What a WebSocket server proves with that it is one (RFC 6455 section 4.2.2).
std::string AcceptKey(const std::string& key) {
  const std::string proof = key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  return base::Base64Encode(base::Sha1(proof));
}

std::expected<Upgrade, HttpAnswer> NegotiateWebSocket(const HttpHead& head, SessionKind kind) {
  const auto refuse = [](HttpAnswer answer) { return std::unexpected(std::move(answer)); };
  if (head.method != "GET") return refuse(Answer(405, "not a GET", "Allow: GET\r\n"));
  if (FirstOf(head, "sec-websocket-version") != "13") {
    return refuse(Answer(400, "missing or bad WebSocket version", "Sec-WebSocket-Version: 13\r\n"));
  }
  const std::string key = FirstOf(head, "sec-websocket-key");
  if (key.empty()) return refuse(Answer(400, "missing WebSocket key"));
  const auto offered = ListOf(head, "sec-websocket-protocol");
  constexpr Protocol kUnnamed{"", kWebSocket, ChannelCoding::kBinary, 1};
  const Protocol* chosen = offered.empty() ? &kUnnamed : Choose(offered, ProtocolsOf(kind, true));
  if (chosen == nullptr) return refuse(Answer(403, "no supported WebSocket protocol"));
  // A client that named none may take an empty name in the answer for an error.
  const auto name_field =
      chosen->name.empty() ? "" : fmt::format("Sec-WebSocket-Protocol: {}\r\n", chosen->name);
  return Upgrade{chosen->framing, chosen->coding, chosen->version,
                 fmt::format("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                             "Connection: Upgrade\r\nSec-WebSocket-Accept: {}\r\n{}\r\n",
                             AcceptKey(key), name_field)};
}

std::expected<Upgrade, HttpAnswer> NegotiateSpdy(const HttpHead& head, SessionKind kind) {
  constexpr std::string_view kField = "x-stream-protocol-version";
  const auto refuse = [](HttpAnswer answer) { return std::unexpected(std::move(answer)); };
  const auto offered = ListOf(head, kField);
  if (offered.empty()) {
    const bool named = AnyContains(head, kField, "");
    return refuse(Answer(400, named ? "unable to upgrade: header X-Stream-Protocol-Version has "
                                      "no valid protocols"
                                    : "unable to upgrade: header X-Stream-Protocol-Version does "
                                      "not exist in request"));
  }
  const auto served = ProtocolsOf(kind, false);
  const Protocol* chosen = Choose(offered, served);
  if (chosen == nullptr) {
    std::string accepted;
    for (const auto& one : served) {
      accepted += fmt::format("X-Accepted-Stream-Protocol-Versions: {}\r\n", one.name);
    }
    return refuse(Answer(403, "unable to upgrade: no common protocol", accepted));
  }
  if (!AnyContains(head, "connection", "upgrade") || !AnyContains(head, "upgrade", "spdy/3.1")) {
    return refuse(Answer(400, "unable to upgrade: missing upgrade headers in request"));
  }
  return Upgrade{chosen->framing, chosen->coding, chosen->version,
                 fmt::format("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
                             "Upgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: {}\r\n\r\n",
                             chosen->name)};
}

}  // namespace

std::expected<HttpHead, HttpAnswer> ParseHead(std::string_view head) {
  http::request_parser<http::empty_body> parser;
  parser.header_limit(kHeadLimit);
  boost::system::error_code error;
  parser.put(boost::asio::buffer(head.data(), head.size()), error);
  if ((error && error != http::error::need_more) || !parser.is_header_done()) {
    return std::unexpected(Answer(400, "not an HTTP request"));
  }
  HttpHead parsed;
  const auto& message = parser.get();
  parsed.method = std::string(message.method_string());
  parsed.target = std::string(message.target());
  for (const auto& field : message) {
    parsed.fields.emplace_back(LowerCase(std::string(field.name_string())),
                               std::string(field.value()));
  }
  return parsed;
}

std::expected<Route, HttpAnswer> RouteOf(const HttpHead& head) {
  constexpr std::array<std::pair<std::string_view, SessionKind>, 3> kPaths = {
      {{"/exec/", SessionKind::kExec},
       {"/attach/", SessionKind::kAttach},
       {"/portforward/", SessionKind::kForward}}};
  const std::string_view path = std::string_view(head.target).substr(0, head.target.find('?'));
  for (const auto& [prefix, kind] : kPaths) {
    const auto token = path.starts_with(prefix) ? path.substr(prefix.size()) : std::string_view();
    if (token.empty() || token.find('/') != std::string_view::npos) continue;
    if (head.method != "GET" && head.method != "POST") {
      return std::unexpected(Answer(405, "method not allowed", "Allow: GET, POST\r\n"));
    }
    return Route{kind, std::string(token)};
  }
  return std::unexpected(NotFoundAnswer());
}

std::expected<Upgrade, HttpAnswer> Negotiate(const HttpHead& head, SessionKind kind) {
  const bool websocket = LowerCase(FirstOf(head, "upgrade")) == "websocket" &&
                         AnyContains(head, "connection", "upgrade");
  return websocket ? NegotiateWebSocket(head, kind) : NegotiateSpdy(head, kind);
}

HttpAnswer NotFoundAnswer() { return Answer(404, "404 page not found"); }
HttpAnswer RefusalAnswer(int status, std::string_view text) { return Answer(status, text); }

}  // namespace dockershimd::shim::streaming::wire
