// Port-forward: the real server on real sockets, between a client of either protocol and
// applications on this machine's loopback.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <functional>
#include <thread>

#include "clients.h"
#include "dockerapi/client.h"
#include "fake_docker.h"
#include "shim/streaming/server.h"

namespace dockershimd::shim::streaming {
namespace {

using namespace std::string_literals;
using testing::Contains;
using testing::HasSubstr;
using testing::StartsWith;
using testsupport::ReadExactly;
using testsupport::ReadToEnd;
using testsupport::SpdyClient;
using testsupport::WebSocketClient;
using testsupport::WriteTo;

constexpr const char* kProtocol = "portforward.k8s.io";

/// Listens on a loopback port and treats each connection as told, one thread each.
class Application {
 public:
  explicit Application(std::function<void(int fd)> serve, int family = AF_INET)
      : serve_(std::move(serve)) {
    listener_.Reset(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_addr = in6addr_loopback;
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const bool is_v4 = family == AF_INET;
    auto* address = is_v4 ? reinterpret_cast<sockaddr*>(&v4) : reinterpret_cast<sockaddr*>(&v6);
    socklen_t size = is_v4 ? sizeof(v4) : sizeof(v6);
    bound_ = ::bind(listener_.Get(), address, size) == 0 && ::listen(listener_.Get(), 1000) == 0 &&
             ::getsockname(listener_.Get(), address, &size) == 0;
    port_ = ntohs(is_v4 ? v4.sin_port : v6.sin6_port);
    thread_ = std::jthread([this](const std::stop_token& stop) {
      while (!stop.stop_requested()) {
        const int fd = ::accept4(listener_.Get(), nullptr, nullptr, SOCK_CLOEXEC);
        if (fd < 0) break;
        connections_.emplace_back([this, fd] {
          const base::UniqueFd owned(fd);
          serve_(fd);
        });
      }
    });
  }
  ~Application() {
    thread_.request_stop();
    ::shutdown(listener_.Get(), SHUT_RDWR);
    thread_.join();
  }
  [[nodiscard]] bool IsBound() const { return bound_; }
  [[nodiscard]] std::string Port() const { return std::to_string(port_); }
  [[nodiscard]] std::uint16_t Number() const { return port_; }

 private:
  std::function<void(int fd)> serve_;
  base::UniqueFd listener_;
  bool bound_ = false;
  std::uint16_t port_ = 0;
  std::vector<std::jthread> connections_;
  std::jthread thread_;
};

class Fixture {
 public:
  explicit Fixture(ServerOptions options = {})
      : docker([](int) {}),
        client({.socket_path = docker.Socket()}),
        server(std::move(options), client) {
    EXPECT_TRUE(server.Start());
  }
  [[nodiscard]] std::string Forward(std::vector<std::uint16_t> ports = {},
                                    base::Result<std::string> path = "") {
    return server.PortForward({"pod", std::move(ports), [path] { return path; }}).value();
  }

  testsupport::FakeDocker docker;
  dockerapi::Client client;
  Server server;
};

unsigned OpenPair(SpdyClient& client, const std::string& port, const std::string& request) {
  const auto error = client.Open({{"streamtype", "error"}, {"port", port}, {"requestid", request}});
  client.Data(error, "", true);
  return client.Open({{"streamtype", "data"}, {"port", port}, {"requestid", request}});
}

/// Reads frames up to an event of ReadRest's form; the data on the way.
std::string DataUntil(SpdyClient& client, unsigned stream, const std::string& event) {
  std::string data;
  while (true) {
    const auto frame = client.Next();
    if (frame.end) return data + " (ended)";
    if (frame.type == 0 && frame.stream == stream) data += frame.body;
    const bool fin = frame.type == 0 && (frame.flags & 1) != 0;
    const auto name = (fin ? "fin " : frame.type == 3 ? "rst " : "") + std::to_string(frame.stream);
    if (name == event) return data;
  }
}

TEST(ForwardTest, MovesBothWaysAndOutlivesItsConnections) {
  Application echo([](int fd) { WriteTo(fd, "echo " + ReadToEnd(fd)); });
  Fixture fixture;
  SpdyClient client(fixture.Forward(), kProtocol);
  for (const std::string request : {"0", "1"}) {
    const auto data = OpenPair(client, echo.Port(), request);
    client.Data(data, "hello", true);
    EXPECT_EQ(DataUntil(client, data, "fin " + std::to_string(data)), "echo hello");
  }
}

TEST(ForwardTest, ManyAtOnceEachGetTheirOwn) {
  constexpr int kConnections = 100;
  Application echo([](int fd) { WriteTo(fd, ReadToEnd(fd)); });
  Fixture fixture;
  SpdyClient client(fixture.Forward(), kProtocol);
  std::map<unsigned, std::string> sent;
  for (int i = 0; i < kConnections; ++i) {
    const auto data = OpenPair(client, echo.Port(), std::to_string(i));
    sent[data] = std::string(10'000, static_cast<char>(i));
  }
  for (const auto& [stream, bytes] : sent) client.Data(stream, bytes, true);
  std::map<unsigned, std::string> received;
  for (int ended = 0; ended < kConnections;) {
    const auto frame = client.Next();
    ASSERT_FALSE(frame.end);
    if (frame.type != 0 || !sent.contains(frame.stream)) continue;
    received[frame.stream] += frame.body;
    if ((frame.flags & 1) != 0) ++ended;
  }
  EXPECT_EQ(received, sent);
}

TEST(ForwardTest, AnEndOfOneSideLeavesTheOtherItsTime) {
  Application app([](int fd) {
    WriteTo(fd, "all I say");
    ::shutdown(fd, SHUT_WR);
    const auto said = ReadToEnd(fd);
    EXPECT_EQ(said, "heard");
  });
  Fixture fixture;
  SpdyClient client(fixture.Forward(), kProtocol);
  const auto data = OpenPair(client, app.Port(), "0");
  EXPECT_EQ(DataUntil(client, data, "fin " + std::to_string(data)), "all I say");
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  client.Data(data, "heard", true);
}

TEST(ForwardTest, RefusedConnectionsAreToldOnTheErrorStream) {
  Fixture fixture;
  SpdyClient client(fixture.Forward(), kProtocol);
  const auto data = OpenPair(client, "1", "0");
  const auto error = data - 2;
  const auto text = DataUntil(client, error, "rst " + std::to_string(error));
  EXPECT_THAT(text, StartsWith("error forwarding port 1 to pod pod, uid : 127.0.0.1:1: "));
  EXPECT_THAT(text, HasSubstr("[::1]:1: "));
}

TEST(ForwardTest, APodThatIsGoneIsTheReason) {
  Fixture fixture;
  SpdyClient client(fixture.Forward({}, base::Fail(base::Code::kNotFound, "no such pod")),
                    kProtocol);
  const auto data = OpenPair(client, "80", "0");
  EXPECT_THAT(DataUntil(client, data - 2, "rst " + std::to_string(data - 2)),
              HasSubstr("no such pod"));
}

TEST(ForwardTest, ABrokenConnectionHasNoText) {
  Application app([](int fd) {
    (void)ReadExactly(fd, 1);
    const linger now{1, 0};
    ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
  });
  Fixture fixture;
  SpdyClient client(fixture.Forward(), kProtocol);
  const auto data = OpenPair(client, app.Port(), "0");
  client.Data(data, "x");
  EXPECT_EQ(DataUntil(client, data - 2, "fin " + std::to_string(data - 2)), "");
}

TEST(ForwardTest, AResetClosesTheApplicationsConnection) {
  Application app([](int fd) {
    WriteTo(fd, "ready");
    EXPECT_EQ(ReadToEnd(fd), "");
  });
  Fixture fixture;
  SpdyClient client(fixture.Forward(), kProtocol);
  const auto data = OpenPair(client, app.Port(), "0");
  while (client.Next().type != 0) {
  }
  client.Reset(data);
}

TEST(ForwardTest, FallsBackToIpV6) {
  Application app([](int fd) { WriteTo(fd, "six"); }, AF_INET6);
  if (!app.IsBound()) GTEST_SKIP() << "this machine has no IPv6";
  Fixture fixture;
  SpdyClient client(fixture.Forward(), kProtocol);
  const auto data = OpenPair(client, app.Port(), "0");
  EXPECT_EQ(DataUntil(client, data, "fin " + std::to_string(data)), "six");
}

TEST(ForwardTest, BadStreamsAreReset) {
  Fixture fixture;
  SpdyClient client(fixture.Forward(), kProtocol);
  const std::vector<std::vector<std::pair<std::string, std::string>>> bad = {
      {{"streamtype", "data"}},
      {{"streamtype", "data"}, {"port", "0"}},
      {{"streamtype", "data"}, {"port", "65536"}},
      {{"streamtype", "data"}, {"port", "-1"}},
      {{"streamtype", "data"}, {"port", " 80"}},
      {{"streamtype", "data"}, {"port", "80x"}},
      {{"streamtype", "stdin"}, {"port", "80"}},
  };
  for (const auto& headers : bad) {
    const auto stream = client.Open(headers);
    EXPECT_EQ(DataUntil(client, stream, "rst " + std::to_string(stream)), "");
  }
}

TEST(ForwardTest, AnIncompletePairIsGivenUp) {
  ServerOptions options;
  options.creation_limit = std::chrono::milliseconds(100);
  Fixture fixture(options);
  SpdyClient client(fixture.Forward(), kProtocol);
  const auto error = client.Open({{"streamtype", "error"}, {"port", "80"}, {"requestid", "0"}});
  EXPECT_EQ(DataUntil(client, error, "rst " + std::to_string(error)),
            "timed out waiting for streams");
}

TEST(ForwardTest, OldClientsPairByOrder) {
  Application app([](int fd) { WriteTo(fd, "x"); });
  Fixture fixture;
  SpdyClient client(fixture.Forward(), kProtocol);
  (void)client.Open({{"streamtype", "error"}, {"port", app.Port()}});
  const auto data = client.Open({{"streamtype", "data"}, {"port", app.Port()}});
  EXPECT_EQ(DataUntil(client, data, "fin " + std::to_string(data)), "x");
}

TEST(ForwardTest, TheEndOfThePodEndsTheSession) {
  Application app([](int fd) { (void)ReadToEnd(fd); });
  Fixture fixture;
  SpdyClient client(fixture.Forward(), kProtocol);
  OpenPair(client, app.Port(), "0");
  fixture.server.EndForwards("other");
  fixture.server.EndForwards("pod");
  EXPECT_THAT(client.ReadRest().events, Contains("goaway 3"));
}

TEST(ForwardTest, AWebSocketNamesItsPorts) {
  Application first([](int fd) { WriteTo(fd, "1 " + ReadExactly(fd, 2)); });
  Application second([](int fd) { WriteTo(fd, "2 " + ReadExactly(fd, 2)); });
  Fixture fixture;
  WebSocketClient client(fixture.Forward({first.Number(), second.Number()}), "v4.channel.k8s.io");
  client.SendBinary("\0ab"s);
  client.SendBinary("\2cd");
  auto channels = client.ReadRest();
  const auto port = [](std::uint16_t number) {
    return std::string{static_cast<char>(number & 0xff), static_cast<char>(number >> 8)};
  };
  EXPECT_EQ(channels['\0'], port(first.Number()) + "1 ab");
  EXPECT_EQ(channels['\1'], port(first.Number()));
  EXPECT_EQ(channels['\2'], port(second.Number()) + "2 cd");
  EXPECT_EQ(channels['\3'], port(second.Number()));
  EXPECT_EQ(channels['c'], "\x03\xe8");
}

TEST(ForwardTest, AWebSocketWithoutPortsIsOverAtOnce) {
  Fixture fixture;
  WebSocketClient client(fixture.Forward(), "v4.channel.k8s.io");
  EXPECT_EQ(client.ReadRest()['c'], "\x03\xe8");
}

TEST(ForwardTest, SpdyGoesThroughAWebSocket) {
  Fixture fixture;
  WebSocketClient client(fixture.Forward(), "SPDY/3.1+portforward.k8s.io");
  EXPECT_THAT(client.Answer(), HasSubstr("Sec-WebSocket-Protocol: SPDY/3.1+portforward.k8s.io"));
  // A ping, in two messages.
  client.SendBinary("\x80\x03\0\x06\0\0"s);
  client.SendBinary("\0\x04\0\0\0\x01"s);
  EXPECT_EQ(client.Next(), (std::pair(2, "\x80\x03\0\x06\0\0\0\x04\0\0\0\x01"s)));
}

}  // namespace
}  // namespace dockershimd::shim::streaming
