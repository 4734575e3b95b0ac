// Exec and attach sessions: the real server on real sockets, between a client of either protocol
// and a Docker that is told what to say.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <condition_variable>
#include <list>

#include "clients.h"
#include "dockerapi/client.h"
#include "fake_docker.h"
#include "shim/streaming/server.h"

namespace dockershimd::shim::streaming {
namespace {

using namespace std::string_literals;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;
using testsupport::DockerFrame;
using testsupport::FakeDocker;
using testsupport::RawClient;
using testsupport::ReadExactly;
using testsupport::ReadToEnd;
using testsupport::SpdyClient;
using testsupport::WebSocketClient;
using testsupport::WriteTo;

constexpr const char* kV4 = "v4.channel.k8s.io";
constexpr const char* kSuccess = R"({"status":"Success"})";

class Fixture {
 public:
  explicit Fixture(FakeDocker::Process process, ServerOptions options = {})
      : docker(std::move(process)),
        client({.socket_path = docker.Socket()}),
        server(std::move(options), client) {
    EXPECT_TRUE(server.Start());
  }

  [[nodiscard]] std::string Exec(StreamChoice streams) {
    return server.Exec({"c", {"cmd"}, streams}).value();
  }
  [[nodiscard]] std::string Attach(AttachRequest request) {
    request.container_id = "c";
    return server.Attach(std::move(request)).value();
  }

  FakeDocker docker;
  dockerapi::Client client;
  Server server;
};

constexpr StreamChoice kOutputs{false, false, true, true};
constexpr StreamChoice kAll{false, true, true, true};
constexpr StreamChoice kTerminal{true, true, true, false};

TEST(SessionsTest, AnExecGoesAsRecorded) {
  Fixture fixture([](int fd) {
    WriteTo(fd, DockerFrame(1, "hello\n") + DockerFrame(2, "oh") + DockerFrame(2, "!"));
  });
  SpdyClient client(fixture.Exec(kOutputs), kV4);
  EXPECT_EQ(client.Answer(),
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n"
            "X-Stream-Protocol-Version: v4.channel.k8s.io\r\n\r\n");
  client.Open("error");
  client.Open("stdout");
  client.Open("stderr");
  auto rest = client.ReadRest();
  EXPECT_EQ(rest.data[3], "hello\n");
  EXPECT_EQ(rest.data[5], "oh!");
  EXPECT_EQ(rest.data[1], kSuccess);
  EXPECT_THAT(rest.events, ElementsAre("fin 3", "fin 5", "fin 1", "goaway 5"));
  EXPECT_TRUE(fixture.docker.WasCalled(R"("Cmd":["cmd"])"));
}

TEST(SessionsTest, TheExitCodeIsInTheStatus) {
  Fixture fixture([](int) {});
  fixture.docker.Set()->exec = R"({"Running":false,"ExitCode":3,"Pid":7})";
  SpdyClient client(fixture.Exec(kOutputs), kV4);
  // In any order.
  client.Open("stderr");
  client.Open("stdout");
  client.Open("error");
  EXPECT_THAT(client.ReadRest().data[5], HasSubstr(R"({"reason":"ExitCode","message":"3"})"));
}

TEST(SessionsTest, StdinGoesInAndItsEndToo) {
  Fixture fixture([](int fd) { WriteTo(fd, DockerFrame(1, "got " + ReadToEnd(fd))); });
  SpdyClient client(fixture.Exec(kAll), kV4);
  client.Open("error");
  client.Open("stdin");
  client.Data(3, "early ");
  client.Open("stdout");
  client.Open("stderr");
  client.Data(3, "abc");
  client.Data(3, "", true);
  client.Data(3, "late");
  auto rest = client.ReadRest();
  EXPECT_EQ(rest.data[5], "got early abc");
  EXPECT_EQ(rest.data[1], kSuccess);
}

TEST(SessionsTest, ATerminalIsNeverHalfClosed) {
  Fixture fixture([](int fd) {
    WriteTo(fd, "echo " + ReadExactly(fd, 3));
    const timeval limit{0, 300'000};
    ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    char byte = 0;
    WriteTo(fd, ::recv(fd, &byte, 1, 0) == 0 ? " closed" : " open");
  });
  SpdyClient client(fixture.Exec(kTerminal), kV4);
  for (const auto* type : {"error", "stdin", "stdout", "resize"}) client.Open(type);
  client.Data(3, "abc", true);
  EXPECT_EQ(client.ReadRest().data[5], "echo abc open");
}

TEST(SessionsTest, TheTerminalHasTheClientsSize) {
  FakeDocker* docker = nullptr;
  Fixture fixture([&](int fd) {
    while (!docker->WasCalled("/exec/e/resize?h=43&w=132")) std::this_thread::yield();
    WriteTo(fd, "resized");
  });
  docker = &fixture.docker;
  SpdyClient client(fixture.Exec(kTerminal), kV4);
  client.Open("error");
  client.Open("stdin");
  client.Open("resize");
  client.Data(5, "{\"Width\":132,\"Hei");
  client.Data(5, "ght\":43}\n");
  client.Open("stdout");
  EXPECT_EQ(client.ReadRest().data[7], "resized");
}

TEST(SessionsTest, AFloodOfStdinDoesNotHideTheEnd) {
  const std::string output(2 << 20, 'o');
  Fixture fixture([&](int fd) { WriteTo(fd, DockerFrame(1, output)); });
  fixture.docker.Set()->exec = R"({"Running":false,"ExitCode":9,"Pid":7})";
  SpdyClient client(fixture.Exec(kAll), kV4);
  for (const auto* type : {"error", "stdin", "stdout", "stderr"}) client.Open(type);
  std::jthread flood([&](const std::stop_token& stop) {
    const std::string bytes(32 << 10, 'i');
    while (!stop.stop_requested()) client.Data(3, bytes);
  });
  auto rest = client.ReadRest();
  EXPECT_EQ(rest.data[5].size(), output.size());
  EXPECT_THAT(rest.data[1], HasSubstr(R"("message":"9")"));
}

TEST(SessionsTest, BothDirectionsAtOnceNeverWaitForEachOther) {
  constexpr std::size_t kSize = 8 << 20;
  Fixture fixture([](int fd) {
    for (std::size_t done = 0; done < kSize;) {
      const auto bytes = ReadExactly(fd, 64 << 10);
      done += bytes.size();
      WriteTo(fd, DockerFrame(1, bytes));
    }
  });
  SpdyClient client(fixture.Exec(kAll), kV4);
  for (const auto* type : {"error", "stdin", "stdout", "stderr"}) client.Open(type);
  std::jthread writer([&] {
    for (std::size_t done = 0; done < kSize; done += 32 << 10) {
      client.Data(3, std::string(32 << 10, static_cast<char>(done >> 15)));
    }
  });
  const auto output = client.ReadRest().data[5];
  ASSERT_EQ(output.size(), kSize);
  for (std::size_t i = 0; i < kSize; i += 4099) {
    ASSERT_EQ(output[i], static_cast<char>(i >> 15)) << i;
  }
}

TEST(SessionsTest, ACommandThatCannotStartIsAFailureAndNoOutput) {
  Fixture fixture(
      [](int fd) { WriteTo(fd, DockerFrame(1, "OCI runtime exec failed: no such file\r\n")); });
  fixture.docker.Set()->exec = R"({"Running":false,"ExitCode":126,"Pid":0})";
  SpdyClient client(fixture.Exec(kOutputs), kV4);
  for (const auto* type : {"error", "stdout", "stderr"}) client.Open(type);
  auto rest = client.ReadRest();
  EXPECT_EQ(rest.data[3], "");
  EXPECT_THAT(rest.data[1], HasSubstr("error executing command in container: OCI runtime exec "
                                      "failed: no such file\""));
}

TEST(SessionsTest, OutputThatOnlyLooksLikeAFailureIsOutput) {
  Fixture fixture([](int fd) { WriteTo(fd, DockerFrame(1, "OCI")); });
  SpdyClient client(fixture.Exec(kOutputs), kV4);
  for (const auto* type : {"error", "stdout", "stderr"}) client.Open(type);
  auto rest = client.ReadRest();
  EXPECT_EQ(rest.data[3], "OCI");
  EXPECT_EQ(rest.data[1], kSuccess);
}

TEST(SessionsTest, DockersRefusalIsTheStatus) {
  Fixture fixture([](int) {});
  fixture.docker.Set()->create_status = 409;
  SpdyClient client(fixture.Exec(kOutputs), kV4);
  for (const auto* type : {"error", "stdout", "stderr"}) client.Open(type);
  EXPECT_THAT(client.ReadRest().data[1], StartsWith(R"({"status":"Failure")"));
}

TEST(SessionsTest, ABrokenStreamIsAFailure) {
  Fixture fixture([](int fd) { WriteTo(fd, "what is this?"); });
  SpdyClient client(fixture.Exec(kOutputs), kV4);
  for (const auto* type : {"error", "stdout", "stderr"}) client.Open(type);
  EXPECT_THAT(client.ReadRest().data[1], HasSubstr("InternalError"));
}

TEST(SessionsTest, NothingIsCreatedBeforeAllStreamsAreThere) {
  ServerOptions options;
  options.creation_limit = std::chrono::milliseconds(200);
  Fixture fixture([](int) {}, options);
  SpdyClient client(fixture.Exec(kOutputs), kV4);
  client.Open("error");
  client.Open("stdout");
  auto rest = client.ReadRest();
  EXPECT_THAT(rest.data[1], HasSubstr("timed out waiting for the client's streams"));
  EXPECT_FALSE(fixture.docker.WasCalled("/exec"));
}

TEST(SessionsTest, OddStreamsAreHarmless) {
  Fixture fixture([](int fd) { WriteTo(fd, DockerFrame(1, "x")); });
  SpdyClient client(fixture.Exec(kOutputs), kV4);
  client.Open("stdin");    // not asked for
  client.Open("unknown");  // of another time
  client.Open("stdout");
  client.Open("stdout");  // twice
  client.Data(1, "dropped");
  client.Ping(1);
  client.Ping(2);
  client.Open("error");
  client.Open("stderr");
  const auto events = client.ReadRest().events;
  EXPECT_THAT(events, ElementsAre("fin 5", "fin 11", "fin 9", "rst 1", "rst 3", "goaway 11"));
}

TEST(SessionsTest, PingsAreAnswered) {
  Fixture fixture([](int fd) { (void)ReadToEnd(fd); });
  SpdyClient client(fixture.Exec(kAll), kV4);
  for (const auto* type : {"error", "stdin", "stdout", "stderr"}) client.Open(type);
  client.Ping(5);
  const auto pong = client.Next();
  EXPECT_EQ(pong.type, 6);
  EXPECT_EQ(pong.stream, 5u);
}

TEST(SessionsTest, ALostClientLetsGoOfDocker) {
  std::mutex mutex;
  std::condition_variable changed;
  bool closed = false;
  Fixture fixture([&](int fd) {
    (void)ReadToEnd(fd);
    const std::lock_guard lock(mutex);
    closed = true;
    changed.notify_all();
  });
  SpdyClient client(fixture.Exec(kAll), kV4);
  for (const auto* type : {"error", "stdin", "stdout", "stderr"}) client.Open(type);
  while (!fixture.docker.WasCalled("/start")) std::this_thread::yield();
  client.Raw().Close();
  std::unique_lock lock(mutex);
  EXPECT_TRUE(changed.wait_for(lock, std::chrono::seconds(20), [&] { return closed; }));
}

/// Sessions of a container for which Docker has gone silent.
TEST(SessionsTest, DockersSilenceHoldsUpOnlyThoseWhoWaitForIt) {
  Fixture fixture([](int fd) { WriteTo(fd, DockerFrame(1, "hello")); });
  std::list<SpdyClient> stuck;
  for (int i = 0; i < 20; ++i) {
    auto& client =
        stuck.emplace_back(fixture.server.Exec({"stuck", {"cmd"}, kOutputs}).value(), kV4);
    for (const auto* type : {"error", "stdout", "stderr"}) client.Open(type);
  }
  SpdyClient client(fixture.Exec(kOutputs), kV4);
  for (const auto* type : {"error", "stdout", "stderr"}) client.Open(type);
  EXPECT_EQ(client.ReadRest().data[3], "hello");
}

TEST(SessionsTest, AProcessThatClosedItsOutputIsWaitedFor) {
  Fixture fixture([](int) {});
  const auto running = fmt::format(R"({{"Running":true,"ExitCode":0,"Pid":{}}})", ::getpid());
  fixture.docker.Set()->exec = running;
  SpdyClient client(fixture.Exec(kOutputs), kV4);
  for (const auto* type : {"error", "stdout", "stderr"}) client.Open(type);
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  fixture.docker.Set()->exec = R"({"Running":false,"ExitCode":4,"Pid":7})";
  EXPECT_THAT(client.ReadRest().data[1], HasSubstr(R"("message":"4")"));
}

TEST(SessionsTest, StoppingTheServerIsAFailureForItsClients) {
  Fixture fixture([](int fd) { (void)ReadToEnd(fd); });
  SpdyClient client(fixture.Exec(kAll), kV4);
  for (const auto* type : {"error", "stdin", "stdout", "stderr"}) client.Open(type);
  while (!fixture.docker.WasCalled("/start")) std::this_thread::yield();
  std::jthread stopping([&] { fixture.server.Stop(); });
  EXPECT_THAT(client.ReadRest().data[1], HasSubstr("the streaming server stops"));
}

TEST(SessionsTest, AnIdleSessionEnds) {
  ServerOptions options;
  options.idle_limit = std::chrono::milliseconds(200);
  Fixture fixture([](int fd) { (void)ReadToEnd(fd); }, options);
  SpdyClient client(fixture.Exec(kAll), kV4);
  for (const auto* type : {"error", "stdin", "stdout", "stderr"}) client.Open(type);
  EXPECT_THAT(client.ReadRest().data[1], HasSubstr("idle for too long"));
}

TEST(SessionsTest, TokensAreGoodOnceAndForTheirKindOnly) {
  Fixture fixture([](int) {});
  const auto url = fixture.Exec(kOutputs);
  EXPECT_THAT(url, StartsWith(fixture.server.BaseUrl() + "/exec/"));
  EXPECT_THAT(fixture.server.BaseUrl(), StartsWith("http://127.0.0.1:"));
  EXPECT_THAT(RawClient(url).Request("POST", ""), StartsWith("HTTP/1.1 400 "));
  // Even a refused request has used it up.
  EXPECT_THAT(RawClient(url).Request("POST", ""), StartsWith("HTTP/1.1 404 "));
  auto other = fixture.Exec(kOutputs);
  other.replace(other.find("/exec/"), 6, "/attach/");
  EXPECT_THAT(RawClient(other).Request("POST", ""), StartsWith("HTTP/1.1 404 "));
}

TEST(SessionsTest, EveryCutOfARequestIsRead) {
  Fixture fixture([](int) {});
  const std::string request = "GET /exec/none HTTP/1.1\r\nHost: x\r\n\r\n";
  for (std::size_t cut = 1; cut < request.size(); ++cut) {
    RawClient client(fixture.server.BaseUrl());
    client.Send(request.substr(0, cut));
    client.Send(request.substr(cut));
    EXPECT_THAT(client.ReadToEnd(), StartsWith("HTTP/1.1 404 "));
  }
}

TEST(SessionsTest, ARequestThatNeverEndsIsGivenUp) {
  ServerOptions options;
  options.head_limit = std::chrono::milliseconds(100);
  Fixture fixture([](int) {}, options);
  RawClient slow(fixture.server.BaseUrl());
  slow.Send("GET /exec/");
  EXPECT_EQ(slow.ReadToEnd(), "");
  RawClient big(fixture.server.BaseUrl());
  big.Send("GET / HTTP/1.1\r\nX: " + std::string(100'000, 'x'));
  EXPECT_THAT(big.ReadToEnd(), StartsWith("HTTP/1.1 431 "));
}

TEST(SessionsTest, AWebSocketExecKnowsItsStreams) {
  Fixture fixture([](int fd) {
    const auto input = ReadToEnd(fd);
    WriteTo(fd, DockerFrame(1, "out " + input) + DockerFrame(2, "err"));
  });
  fixture.docker.Set()->exec = R"({"Running":false,"ExitCode":4,"Pid":7})";
  WebSocketClient client(fixture.Exec(kAll), "v5.channel.k8s.io");
  EXPECT_EQ(client.Next(), (std::pair(2, "\1"s)));
  client.SendBinary("\0in"s);
  client.SendBinary("\0put"s);
  client.Send(9, "still there?");
  EXPECT_EQ(client.Next(), (std::pair(10, "still there?"s)));
  client.SendBinary("\xff\0"s);
  auto channels = client.ReadRest();
  EXPECT_EQ(channels['\1'], "out input");
  EXPECT_EQ(channels['\2'], "err");
  EXPECT_THAT(channels['\3'], HasSubstr(R"("message":"4")"));
  EXPECT_EQ(channels['c'], "\x03\xe8");
}

TEST(SessionsTest, ABase64WebSocketIsText) {
  Fixture fixture([](int fd) { WriteTo(fd, DockerFrame(1, ReadExactly(fd, 3))); });
  WebSocketClient client(fixture.Exec(kAll), "v4.base64.channel.k8s.io");
  EXPECT_EQ(client.Next(), (std::pair(1, "1"s)));
  client.Send(1, "0aGkK");
  auto channels = client.ReadRest();
  EXPECT_EQ(channels['1'], "aGkK");
}

TEST(SessionsTest, AWebSocketClientThatBreaksTheRulesIsTold) {
  Fixture fixture([](int fd) { (void)ReadToEnd(fd); });
  WebSocketClient client(fixture.Exec(kAll), "");
  (void)client.Next();
  client.Raw().Send("\x82\x01x");
  EXPECT_EQ(client.ReadRest()['c'], "\x03\xea");
}

TEST(SessionsTest, AttachEndsWithSuccessWhateverTheContainerDid) {
  Fixture fixture([](int fd) { WriteTo(fd, DockerFrame(1, "got " + ReadToEnd(fd))); });
  SpdyClient client(fixture.Attach({"", kAll, false, true, true}), kV4);
  for (const auto* type : {"error", "stdin", "stdout", "stderr"}) client.Open(type);
  client.Data(3, "abc", true);
  auto rest = client.ReadRest();
  EXPECT_EQ(rest.data[5], "got abc");
  EXPECT_EQ(rest.data[1], kSuccess);
  EXPECT_TRUE(fixture.docker.WasCalled("/attach?stream=1&stdin=1&stdout=1&stderr=1"));
}

TEST(SessionsTest, AttachToATerminalIsNotTakenApart) {
  Fixture fixture([](int fd) { WriteTo(fd, "\x01\x02 raw"); });
  SpdyClient client(fixture.Attach({"", kTerminal, true, true, false}), kV4);
  for (const auto* type : {"error", "stdin", "stdout", "resize"}) client.Open(type);
  EXPECT_EQ(client.ReadRest().data[5], "\x01\x02 raw");
}

TEST(SessionsTest, StdinForAContainerWithoutOneIsDropped) {
  Fixture fixture([](int fd) { WriteTo(fd, DockerFrame(1, "got " + ReadToEnd(fd))); });
  SpdyClient client(fixture.Attach({"", kAll, false, false, false}), kV4);
  for (const auto* type : {"error", "stdin", "stdout", "stderr"}) client.Open(type);
  client.Data(3, std::string(1 << 20, 'x'), true);
  EXPECT_EQ(client.ReadRest().data[5], "got ");
}

TEST(SessionsTest, AttachToWhatDoesNotRunIsAFailure) {
  Fixture fixture([](int) {});
  fixture.docker.Set()->container_runs = false;
  SpdyClient client(fixture.Attach({"", kOutputs, false, false, false}), kV4);
  for (const auto* type : {"error", "stdout", "stderr"}) client.Open(type);
  EXPECT_THAT(client.ReadRest().data[1],
              HasSubstr("error attaching to container: the container does not run"));
}

TEST(SessionsTest, AttachToWhatHasJustEndedDoesNotHang) {
  Fixture fixture([](int fd) { (void)ReadToEnd(fd); });
  fixture.docker.Set()->ends_when_attached = true;
  SpdyClient client(fixture.Attach({"", kOutputs, false, false, false}), kV4);
  for (const auto* type : {"error", "stdout", "stderr"}) client.Open(type);
  EXPECT_EQ(client.ReadRest().data[1], kSuccess);
}

}  // namespace
}  // namespace dockershimd::shim::streaming
