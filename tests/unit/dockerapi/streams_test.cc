// Calls on connections of their own: events, pulls, logs, wait, stop, hijacked streams.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <atomic>

#include "dockerapi/client.h"
#include "fake_engine.h"

namespace dockershimd::dockerapi {
namespace {

using base::CallContext;
using base::Code;
using base::Status;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testsupport::EngineReply;
using testsupport::EngineRequest;
using testsupport::FakeEngine;

constexpr const char* kPull = "/images/create";
constexpr const char* kLogs = "/containers/c/logs";
constexpr const char* kExec = "/exec/e/start";
constexpr const char* kStop = "/containers/c/stop";

CallContext Limit() { return CallContext::WithTimeout(seconds(20)); }
void Hang(const EngineRequest&, EngineReply& reply) { reply.Hang(); }

class Streams : public testing::Test {
 protected:
  Streams() : client_({.socket_path = engine_.Socket()}) {}

  Status Events(const CallContext& context, std::size_t enough = 1000) {
    return client_.StreamEvents(
        context, {}, [&] { opened_ = true; },
        [&](const Event& event) {
          seen_.push_back(event.action);
          return seen_.size() < enough;
        });
  }

  Status Pull(const CallContext& context) {
    return client_.PullImage(context, {"a", "", {}},
                             [&](const Progress& progress) { seen_.push_back(progress.status); });
  }

  Status Logs(bool tty = false) {
    return client_.StreamLogs(Limit(), "c", tty, {},
                              [&](OutputStream which, std::string_view text) {
                                (which == OutputStream::kStdout ? out_ : err_).append(text);
                                return out_.find("enough") == std::string::npos;
                              });
  }

  FakeEngine engine_;
  Client client_;
  bool opened_ = false;
  std::vector<std::string> seen_;
  std::string out_;
  std::string err_;
};

TEST_F(Streams, EventsHoweverTheyAreCut) {
  engine_.On("GET", "/events", [](const EngineRequest&, EngineReply& reply) {
    reply.Begin();
    reply.Chunk(R"({"Action":"a"})");
    reply.Chunk("\n{\"Action\"");
    reply.Chunk(":\"b\"}\n\x1e{\"Action\":\"c\"}{\"Action\":\"d\"}");
    reply.LastChunk();
  });
  const auto ended = Events(Limit());
  EXPECT_EQ(ended.error().code, Code::kUnavailable);
  EXPECT_THAT(seen_, ElementsAre("a", "b", "c", "d"));
  EXPECT_TRUE(opened_);
}

TEST_F(Streams, EventsUntilItIsEnough) {
  engine_.On("GET", "/events", [](const EngineRequest&, EngineReply& reply) {
    reply.Begin();
    for (const auto* action : {"a", "b", "c"}) {
      reply.Chunk(fmt::format(R"({{"Action":"{}"}})", action));
    }
    reply.Hang();
  });
  EXPECT_TRUE(Events(Limit(), 2));
  EXPECT_THAT(seen_, ElementsAre("a", "b"));
}

TEST_F(Streams, EventsAreOpenOnceDockerHasAccepted) {
  engine_.Answer("GET", "/events", R"({"message":"bad filter"})", 400);
  EXPECT_EQ(Events(Limit()).error().code, Code::kInvalidArgument);
  EXPECT_FALSE(opened_);
}

TEST_F(Streams, EventsEndWithTheContext) {
  engine_.On("GET", "/events", [](const EngineRequest&, EngineReply& reply) {
    reply.Begin();
    reply.Hang();
  });
  EXPECT_EQ(Events(CallContext::WithTimeout(milliseconds(100))).error().code,
            Code::kDeadlineExceeded);
  opened_ = false;
  CallContext context;
  context.cancelled = [this] { return opened_; };
  EXPECT_EQ(Events(context).error().code, Code::kCancelled);
  std::stop_source stop;
  context = {.deadline = {}, .cancelled = {}, .stop = stop.get_token()};
  context.deadline = CallContext::Clock::time_point::max();
  const std::jthread stopper([&] {
    while (engine_.Requests().size() < 3) std::this_thread::yield();
    stop.request_stop();
  });
  EXPECT_EQ(Events(context).error().code, Code::kCancelled);
  // The negotiation's alone is left.
  EXPECT_TRUE(engine_.WaitForOpenConnections(1));
}

TEST_F(Streams, EventsOfAnEngineThatDies) {
  engine_.On("GET", "/events", [](const EngineRequest&, EngineReply& reply) {
    reply.Begin();
    reply.Chunk(R"({"Action":"a"}{"Act)");
    reply.Close();
  });
  EXPECT_EQ(Events(Limit()).error().code, Code::kUnavailable);
  EXPECT_THAT(seen_, ElementsAre("a"));
}

TEST_F(Streams, PullShowsItsProgress) {
  engine_.Answer("POST", kPull, "{\"status\":\"one\"}\r\n{\"status\":\"two\"}\r\n");
  EXPECT_TRUE(Pull(Limit()));
  EXPECT_THAT(seen_, ElementsAre("one", "two"));
}

TEST_F(Streams, PullFailsInItsStream) {
  engine_.Answer("POST", kPull,
                 R"({"status":"one"}{"errorDetail":{"message":"manifest unknown"},"error":"x"})");
  const auto pulled = Pull(Limit());
  ASSERT_FALSE(pulled);
  EXPECT_EQ(pulled.error().code, Code::kInternal);
  EXPECT_THAT(pulled.error().message, HasSubstr("docker: x"));
}

TEST_F(Streams, PullIsRefusedByTheRegistrysNames) {
  engine_.Answer("POST", kPull, R"({"message":"unauthorized: no"})", 500);
  const auto pulled = Pull(Limit());
  EXPECT_EQ(pulled.error().code, Code::kUnauthenticated);
  EXPECT_EQ(pulled.error().http_status, 500);
}

TEST_F(Streams, PullThatIsCut) {
  engine_.On("POST", kPull, [](const EngineRequest&, EngineReply& reply) {
    reply.Begin();
    reply.Chunk(R"({"status":"one"}{"sta)");
    reply.LastChunk();
  });
  const auto pulled = Pull(Limit());
  EXPECT_EQ(pulled.error().code, Code::kUnavailable);
  EXPECT_THAT(pulled.error().message, HasSubstr("POST /images/create"));
}

TEST_F(Streams, LoadFailsInItsStream) {
  engine_.Answer("POST", "/images/load", R"({"error":"bad archive"})");
  EXPECT_THAT(client_.LoadImage(Limit(), "x").error().message, HasSubstr("bad archive"));
}

TEST_F(Streams, LogsAreDemultiplexed) {
  engine_.On("GET", kLogs, [](const EngineRequest&, EngineReply& reply) {
    reply.Begin();
    reply.Chunk(std::string("\1\0\0\0\0\0\0\3on", 10));
    reply.Chunk(std::string("e\2\0\0\0\0\0\0\3two", 12));
    reply.LastChunk();
  });
  EXPECT_TRUE(Logs());
  EXPECT_EQ(out_, "one");
  EXPECT_EQ(err_, "two");
}

TEST_F(Streams, LogsOfATerminalAreNot) {
  engine_.Answer("GET", kLogs, "plain");
  EXPECT_TRUE(Logs(true));
  EXPECT_EQ(out_, "plain");
}

TEST_F(Streams, LogsUntilItIsEnough) {
  engine_.On("GET", kLogs, [](const EngineRequest&, EngineReply& reply) {
    reply.Begin();
    reply.Chunk("enough");
    reply.Hang();
  });
  EXPECT_TRUE(Logs(true));
}

TEST_F(Streams, LogsThatAreCut) {
  engine_.Answer("GET", kLogs, std::string("\1\0\0\0\0\0\0\3on", 10));
  EXPECT_EQ(Logs().error().code, Code::kUnavailable);
  engine_.Answer("GET", kLogs, "no frames at all");
  EXPECT_EQ(Logs().error().code, Code::kInternal);
}

TEST_F(Streams, WaitTakesItsTime) {
  engine_.On("POST", "/containers/c/wait", [](const EngineRequest&, EngineReply& reply) {
    reply.Begin();
    std::this_thread::sleep_for(milliseconds(50));
    reply.Chunk(R"({"StatusCode":3})");
    reply.LastChunk();
  });
  EXPECT_EQ(client_.WaitContainer(CallContext::WithTimeout(hours(1)), "c"), 3);
  engine_.Answer("POST", "/containers/c/wait", R"({"message":"none"})", 404);
  EXPECT_EQ(client_.WaitContainer(Limit(), "c").error().code, Code::kNotFound);
}

TEST_F(Streams, StopOfWhatDoesNotRun) {
  engine_.On("POST", kStop, [](const EngineRequest&, EngineReply& reply) { reply.Bare(304); });
  EXPECT_TRUE(client_.StopContainer(CallContext::WithTimeout(hours(1)), "c", seconds(1)));
  engine_.On("POST", kStop, [](const EngineRequest&, EngineReply& reply) { reply.Bare(204); });
  EXPECT_TRUE(client_.StopContainer(CallContext::WithTimeout(hours(1)), "c", seconds(1)));
}

TEST_F(Streams, StopEndsWithTheContext) {
  engine_.On("POST", kStop, Hang);
  EXPECT_EQ(client_.StopContainer(CallContext::WithTimeout(milliseconds(50)), "c", seconds(1))
                .error()
                .code,
            Code::kDeadlineExceeded);
  CallContext context;
  context.cancelled = [this] { return engine_.Requests().size() == 2; };
  EXPECT_EQ(client_.StopContainer(context, "c", seconds(1)).error().code, Code::kCancelled);
  EXPECT_TRUE(engine_.WaitForOpenConnections(1));
}

TEST_F(Streams, NobodyListens) {
  ASSERT_TRUE(client_.Negotiate(Limit()));
  engine_.Stop();
  const auto pulled = Pull(Limit());
  EXPECT_EQ(pulled.error().code, Code::kUnavailable);
  EXPECT_THAT(pulled.error().message, HasSubstr(engine_.Socket()));
}

TEST_F(Streams, ASocketPathThatIsTooLong) {
  Client client({.socket_path = "/" + std::string(200, 'x')});
  EXPECT_FALSE(client.StartExec(Limit(), "e", false));
}

std::string ReadAll(int fd) {
  std::string text;
  std::array<char, 4096> buffer;
  for (ssize_t count = 1; count > 0;) {
    count = ::read(fd, buffer.data(), buffer.size());
    if (count > 0) text.append(buffer.data(), static_cast<std::size_t>(count));
  }
  return text;
}

TEST_F(Streams, HijackedWithLeftover) {
  engine_.On("POST", kExec, [](const EngineRequest&, EngineReply& reply) {
    reply.Raw(
        "HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.raw-stream\r\n"
        "Connection: Upgrade\r\nUpgrade: tcp\r\n\r\nearly ");
    reply.Raw("echo " + reply.Read(5));
    EXPECT_EQ(reply.Read(1), "");
    reply.Raw(" after");
    reply.Close();
  });
  auto stream = client_.StartExec(Limit(), "e", false);
  ASSERT_TRUE(stream) << stream.error().message;
  const int fd = stream->fd.Get();
  EXPECT_EQ(::fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
  EXPECT_EQ(::fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
  ASSERT_EQ(::write(fd, "input", 5), 5);
  ::shutdown(fd, SHUT_WR);
  EXPECT_EQ(stream->leftover + ReadAll(fd), "early echo input after");
}

TEST_F(Streams, HijackedWithoutUpgrade) {
  engine_.On("POST", kExec, [](const EngineRequest&, EngineReply& reply) {
    reply.Raw("HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\nraw");
    reply.Close();
  });
  auto stream = client_.StartExec(Limit(), "e", false);
  ASSERT_TRUE(stream) << stream.error().message;
  EXPECT_EQ(stream->leftover + ReadAll(stream->fd.Get()), "raw");
}

TEST_F(Streams, NotHijacked) {
  engine_.Answer("POST", kExec, R"({"message":"container c is not running"})", 409);
  const auto refused = client_.StartExec(Limit(), "e", false);
  EXPECT_EQ(refused.error().http_status, 409);
  EXPECT_THAT(refused.error().message, HasSubstr("is not running"));
  engine_.On("POST", kExec, [](const EngineRequest&, EngineReply& reply) { reply.Bare(204); });
  EXPECT_EQ(client_.StartExec(Limit(), "e", false).error().code, Code::kInternal);
  engine_.On("POST", kExec, Hang);
  EXPECT_EQ(client_.StartExec(CallContext::WithTimeout(milliseconds(50)), "e", false).error().code,
            Code::kDeadlineExceeded);
  engine_.On("POST", kExec, [](const EngineRequest&, EngineReply& reply) { reply.Close(); });
  EXPECT_EQ(client_.StartExec(Limit(), "e", false).error().code, Code::kUnavailable);
  EXPECT_TRUE(engine_.WaitForOpenConnections(1));
}

}  // namespace
}  // namespace dockershimd::dockerapi
