// Clients that mean no good: the server neither falls nor leaks, and others do not notice.

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <filesystem>
#include <random>
#include <thread>

#include "clients.h"
#include "dockerapi/client.h"
#include "fake_docker.h"
#include "shim/streaming/server.h"

namespace dockershimd::shim::streaming {
namespace {

using namespace std::string_literals;
using testsupport::DockerFrame;
using testsupport::FakeDocker;
using testsupport::RawClient;
using testsupport::ReadExactly;
using testsupport::SpdyClient;
using testsupport::WebSocketClient;
using testsupport::WriteTo;

constexpr int kConnections = 2000;
constexpr StreamChoice kAll{false, true, true, true};
constexpr const char* kV4 = "v4.channel.k8s.io";

std::size_t OpenDescriptors() {
  const std::filesystem::directory_iterator all("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

class HostileTest : public testing::Test {
 protected:
  HostileTest()
      : docker_([](int fd) {
          while (true) {
            const auto byte = ReadExactly(fd, 1);
            if (byte.empty()) break;
            WriteTo(fd, DockerFrame(1, byte));
          }
        }),
        client_({.socket_path = docker_.Socket(), .max_idle_connections = 1}),
        server_({}, client_) {
    EXPECT_TRUE(server_.Start());
  }

  std::string Url() { return server_.Exec({"c", {"cmd"}, kAll}).value(); }

  std::string Garbage(std::size_t size) {
    std::string bytes(size, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random_());
    return bytes;
  }

  void Attack(int kind);

  FakeDocker docker_;
  dockerapi::Client client_;
  Server server_;
  std::mt19937 random_{1};
};

void HostileTest::Attack(int kind) {
  switch (kind) {
    case 0:  // a wrong token
      (void)RawClient(server_.BaseUrl() + "/exec/0123").Request("POST", "");
      return;
    case 1:  // no request at all
      RawClient(server_.BaseUrl()).Send(Garbage(random_() % 2000));
      return;
    case 2:  // half a request
      RawClient(server_.BaseUrl()).Send("POST /exec/" + std::string(random_() % 100, 'a'));
      return;
    case 3: {  // no SPDY
      SpdyClient client(Url(), kV4);
      client.Raw().Send(Garbage(random_() % 5000));
      return;
    }
    case 4: {  // a bomb of a header
      SpdyClient client(Url(), kV4);
      client.Raw().Send(client.SynStream(1, {{"streamtype", std::string(60'000, 'a')}}));
      EXPECT_EQ(client.Raw().ReadToEnd(), "");
      return;
    }
    case 5: {  // a stall in the middle of everything, byte by byte
      SpdyClient client(Url(), kV4);
      client.Open("error");
      for (const char byte : client.SynStream(3, {{"streamtype", "stdin"}}).substr(0, 9)) {
        client.Raw().Send(std::string(1, byte));
      }
      return;
    }
    case 6: {  // gone as soon as it runs
      SpdyClient client(Url(), kV4);
      for (const auto* type : {"error", "stdin", "stdout", "stderr"}) client.Open(type);
      client.Data(3, Garbage(random_() % 10'000));
      const linger now{1, 0};
      ::setsockopt(client.Raw().Fd(), SOL_SOCKET, SO_LINGER, &now, sizeof(now));
      return;
    }
    case 7: {  // no WebSocket
      WebSocketClient client(Url(), "v5.channel.k8s.io");
      client.Raw().Send(Garbage(random_() % 5000));
      return;
    }
    case 8: {  // odd messages, then gone
      WebSocketClient client(Url(), "v5.channel.k8s.io");
      client.SendBinary("\xff\xff\xff"s);
      return;
    }
    default: {  // streams without end
      SpdyClient client(Url(), kV4);
      std::string streams;
      for (unsigned id = 1; id < 200; id += 2) streams += client.SynStream(id, {{"x", "y"}});
      client.Raw().Send(streams);
      return;
    }
  }
}

TEST_F(HostileTest, NothingIsLeftOfThemAndOthersDoNotNotice) {
  SpdyClient other(Url(), kV4);
  for (const auto* type : {"error", "stdin", "stdout", "stderr"}) other.Open(type);
  other.Data(3, "a");
  EXPECT_EQ(other.Next().body, "a");
  const auto before = OpenDescriptors();
  for (int i = 0; i < kConnections; ++i) Attack(i % 10);
  // What a close started takes a moment.
  for (int i = 0; i < 1000 && OpenDescriptors() > before; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  EXPECT_LE(OpenDescriptors(), before);
  other.Data(3, "b");
  EXPECT_EQ(other.Next().body, "b");
}

}  // namespace
}  // namespace dockershimd::shim::streaming
