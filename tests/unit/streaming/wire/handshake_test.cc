#include "shim/streaming/wire/handshake.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace dockershimd::shim::streaming::wire {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

HttpHead Head(const std::string& method, const std::string& target, const std::string& fields) {
  const auto head = ParseHead(method + " " + target + " HTTP/1.1\r\nHost: x\r\n" + fields + "\r\n");
  EXPECT_TRUE(head) << (head ? "" : head.error());
  return head.value_or(HttpHead{});
}

constexpr const char* kSpdyUpgrade = "Connection: Upgrade\r\nUpgrade: SPDY/3.1\r\n";
constexpr const char* kWebSocketUpgrade =
    "Connection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

TEST(HandshakeTest, ReadsAHead) {
  const auto head = Head("POST", "/exec/abc", "Content-Length: 0\r\nX-Thing: a\r\nX-Thing: b\r\n");
  EXPECT_EQ(head.method, "POST");
  EXPECT_EQ(head.target, "/exec/abc");
  ASSERT_EQ(head.fields.size(), 4u);
  EXPECT_EQ(head.fields[3], (std::pair<std::string, std::string>{"x-thing", "b"}));
}

TEST(HandshakeTest, RefusesWhatIsNoHttp) {
  for (const auto* text : {"\r\n\r\n", "hello\r\n\r\n", "GET /exec/a\r\n\r\n",
                           "GET /exec/a HTTP/1.1\r\nbad field\r\n\r\n"}) {
    const auto head = ParseHead(text);
    ASSERT_FALSE(head) << text;
    EXPECT_THAT(head.error(), StartsWith("HTTP/1.1 400 Bad Request\r\n"));
  }
}

TEST(HandshakeTest, FindsTheWay) {
  const auto route = RouteOf(Head("GET", "/portforward/t0k?x=1", ""));
  ASSERT_TRUE(route);
  EXPECT_EQ(route->kind, SessionKind::kForward);
  EXPECT_EQ(route->token, "t0k");
  EXPECT_EQ(RouteOf(Head("POST", "/exec/a", ""))->kind, SessionKind::kExec);
  EXPECT_EQ(RouteOf(Head("POST", "/attach/a", ""))->kind, SessionKind::kAttach);
  for (const auto* path : {"/", "/exec", "/exec/", "/exec/a/b", "/execs/a", "*"}) {
    const auto none = RouteOf(Head("GET", path, ""));
    ASSERT_FALSE(none) << path;
    EXPECT_THAT(none.error(), StartsWith("HTTP/1.1 404 Not Found\r\n"));
    EXPECT_THAT(none.error(), HasSubstr("\r\n\r\n404 page not found\n"));
  }
  const auto refused = RouteOf(Head("PUT", "/exec/a", ""));
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error(), StartsWith("HTTP/1.1 405 Method Not Allowed\r\n"));
  EXPECT_THAT(refused.error(), HasSubstr("\r\nAllow: GET, POST\r\n"));
}

TEST(HandshakeTest, TakesTheClientsFirstSpdyProtocolThatItHas) {
  const auto upgrade =
      Negotiate(Head("POST", "/exec/a",
                     std::string(kSpdyUpgrade) +
                         "X-Stream-Protocol-Version: v5.channel.k8s.io\r\n"
                         "X-Stream-Protocol-Version: v3.channel.k8s.io, v4.channel.k8s.io\r\n"),
                SessionKind::kExec);
  ASSERT_TRUE(upgrade);
  EXPECT_EQ(upgrade->framing, Upgrade::Framing::kSpdy);
  EXPECT_EQ(upgrade->version, 3);
  EXPECT_EQ(upgrade->answer,
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n"
            "X-Stream-Protocol-Version: v3.channel.k8s.io\r\n\r\n");
}

TEST(HandshakeTest, RefusesSpdyAsTheReferenceDoes) {
  const auto answer = [](const std::string& fields, SessionKind kind = SessionKind::kExec) {
    const auto upgrade = Negotiate(Head("POST", "/exec/a", fields), kind);
    EXPECT_FALSE(upgrade);
    return upgrade ? "" : upgrade.error();
  };
  EXPECT_THAT(answer(kSpdyUpgrade), HasSubstr("does not exist"));
  EXPECT_THAT(answer("X-Stream-Protocol-Version: ,\r\n"), HasSubstr("no valid protocols"));
  const auto none = answer("X-Stream-Protocol-Version: v9.channel.k8s.io\r\n");
  EXPECT_THAT(none, StartsWith("HTTP/1.1 403 Forbidden\r\n"));
  EXPECT_THAT(none, HasSubstr("\r\nX-Accepted-Stream-Protocol-Versions: v4.channel.k8s.io\r\n"));
  EXPECT_THAT(none, HasSubstr("\r\nX-Accepted-Stream-Protocol-Versions: channel.k8s.io\r\n"));
  EXPECT_THAT(answer("X-Stream-Protocol-Version: v4.channel.k8s.io\r\n"),
              HasSubstr("missing upgrade headers"));
  EXPECT_THAT(answer("X-Stream-Protocol-Version: v4.channel.k8s.io\r\n", SessionKind::kForward),
              HasSubstr("403"));
}

TEST(HandshakeTest, ProvesThatItIsAWebSocket) {
  const auto upgrade =
      Negotiate(Head("GET", "/exec/a",
                     std::string(kWebSocketUpgrade) +
                         "Sec-WebSocket-Protocol: v9.channel.k8s.io, v5.channel.k8s.io\r\n"),
                SessionKind::kExec);
  ASSERT_TRUE(upgrade);
  EXPECT_EQ(upgrade->framing, Upgrade::Framing::kWebSocket);
  EXPECT_EQ(upgrade->version, 5);
  // The example of RFC 6455, section 1.3.
  EXPECT_THAT(upgrade->answer,
              HasSubstr("\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
  EXPECT_THAT(upgrade->answer, HasSubstr("\r\nSec-WebSocket-Protocol: v5.channel.k8s.io\r\n"));
}

TEST(HandshakeTest, AWebSocketWithoutNameIsTheFirstVersion) {
  const auto upgrade = Negotiate(Head("GET", "/exec/a", kWebSocketUpgrade), SessionKind::kAttach);
  ASSERT_TRUE(upgrade);
  EXPECT_EQ(upgrade->version, 1);
  EXPECT_EQ(upgrade->coding, ChannelCoding::kBinary);
  EXPECT_THAT(upgrade->answer, Not(HasSubstr("Sec-WebSocket-Protocol")));
}

TEST(HandshakeTest, KnowsTheNamesOfPortForward) {
  const auto with = [](const std::string& name) {
    return Negotiate(Head("GET", "/portforward/a",
                          kWebSocketUpgrade + ("Sec-WebSocket-Protocol: " + name + "\r\n")),
                     SessionKind::kForward);
  };
  EXPECT_EQ(with("SPDY/3.1+portforward.k8s.io")->framing, Upgrade::Framing::kSpdyOverWebSocket);
  EXPECT_EQ(with("v4.base64.channel.k8s.io")->coding, ChannelCoding::kBase64);
  EXPECT_FALSE(with("v5.channel.k8s.io"));
}

TEST(HandshakeTest, RefusesBadWebSockets) {
  const auto answer = [](const std::string& method, const std::string& fields) {
    const auto upgrade =
        Negotiate(Head(method, "/exec/a", "Connection: Upgrade\r\nUpgrade: websocket\r\n" + fields),
                  SessionKind::kExec);
    EXPECT_FALSE(upgrade);
    return upgrade ? "" : upgrade.error();
  };
  EXPECT_THAT(answer("POST", ""), StartsWith("HTTP/1.1 405 "));
  EXPECT_THAT(answer("GET", "Sec-WebSocket-Key: a\r\n"),
              HasSubstr("\r\nSec-WebSocket-Version: 13\r\n"));
  EXPECT_THAT(answer("GET", "Sec-WebSocket-Version: 13\r\n"), StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(answer("GET",
                     "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: a\r\n"
                     "Sec-WebSocket-Protocol: other\r\n"),
              StartsWith("HTTP/1.1 403 "));
}

}  // namespace
}  // namespace dockershimd::shim::streaming::wire
