// Short calls: connections that are kept, break, stall; deadlines; cancellation; refusals.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <atomic>
#include <future>

#include "dockerapi/client.h"
#include "dockerapi/unary_client.h"
#include "fake_engine.h"

namespace dockershimd::dockerapi {
namespace {

using base::CallContext;
using base::Code;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;
using testsupport::EngineReply;
using testsupport::EngineRequest;
using testsupport::FakeEngine;

CallContext Limit() { return CallContext::WithTimeout(seconds(20)); }
constexpr const char* kInfo = "/info";
constexpr const char* kStart = "/containers/c/start";

class Unary : public testing::Test {
 protected:
  Unary() : client_({.socket_path = engine_.Socket()}) { ::signal(SIGPIPE, SIG_IGN); }

  void SetUp() override { ASSERT_TRUE(client_.Negotiate(Limit())); }

  FakeEngine engine_;
  Client client_;
};

void NoContent(const EngineRequest&, EngineReply& reply) { reply.Bare(204); }
void Hang(const EngineRequest&, EngineReply& reply) { reply.Hang(); }

TEST_F(Unary, OneConnectionForManyCalls) {
  engine_.Answer("GET", kInfo, "{}");
  engine_.On("POST", kStart, NoContent);
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(client_.Info(Limit()));
    const auto started = client_.StartContainer(Limit(), "c");
    ASSERT_TRUE(started) << started.error().message;
  }
  EXPECT_EQ(engine_.Connections(), 1U);
}

TEST_F(Unary, CallsAtTheSameTimeDoNotWaitForEachOther) {
  constexpr int kCalls = 8;
  std::atomic<int> arrived = 0;
  engine_.On("GET", kInfo, [&](const EngineRequest&, EngineReply& reply) {
    ++arrived;
    while (arrived < kCalls) std::this_thread::yield();
    reply.Json("{}");
  });
  std::vector<std::future<bool>> calls;
  for (int i = 0; i < kCalls; ++i) {
    calls.push_back(
        std::async(std::launch::async, [&] { return client_.Info(Limit()).has_value(); }));
  }
  for (auto& call : calls) EXPECT_TRUE(call.get());
}

TEST_F(Unary, OnlySoManyConnectionsAreKept) {
  Client client({.socket_path = engine_.Socket(), .max_idle_connections = 2});
  std::atomic<int> arrived = 0;
  engine_.On("GET", kInfo, [&](const EngineRequest&, EngineReply& reply) {
    ++arrived;
    while (arrived < 6) std::this_thread::yield();
    reply.Json("{}");
  });
  ASSERT_TRUE(client.Negotiate(Limit()));
  std::vector<std::future<bool>> calls;
  for (int i = 0; i < 6; ++i) {
    calls.push_back(
        std::async(std::launch::async, [&] { return client.Info(Limit()).has_value(); }));
  }
  for (auto& call : calls) EXPECT_TRUE(call.get());
  // One of them is the other client's.
  EXPECT_TRUE(engine_.WaitForOpenConnections(3));
}

TEST_F(Unary, ConnectionsThatNobodyNeedsAreClosed) {
  UnaryClient client(engine_.Socket(), seconds(20), 16, std::chrono::milliseconds(1));
  std::atomic<int> arrived = 0;
  engine_.On("GET", kInfo, [&](const EngineRequest&, EngineReply& reply) {
    ++arrived;
    while (arrived < 6) std::this_thread::yield();
    reply.Json("{}");
  });
  const auto call = [&] {
    return client.Call(Limit(), {.operation = "GET /info", .method = "GET", .target = kInfo})
        .has_value();
  };
  std::vector<std::future<bool>> calls;
  for (int i = 0; i < 6; ++i) calls.push_back(std::async(std::launch::async, call));
  for (auto& made : calls) EXPECT_TRUE(made.get());
  std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_TRUE(call());
  // The one of that call, and the other client's.
  EXPECT_TRUE(engine_.WaitForOpenConnections(2));
}

TEST_F(Unary, NotModifiedIsSuccessAtOnce) {
  engine_.On("POST", kStart, [](const EngineRequest&, EngineReply& reply) { reply.Bare(304); });
  const auto context = CallContext::WithTimeout(hours(1));
  EXPECT_TRUE(client_.StartContainer(context, "c"));
  EXPECT_TRUE(client_.StartContainer(context, "c"));
  EXPECT_EQ(engine_.Requests().size(), 2U);
}

TEST_F(Unary, RefusalsKeepStatusAndMessage) {
  const std::pair<int, Code> kCases[] = {
      {400, Code::kInvalidArgument}, {401, Code::kUnauthenticated}, {403, Code::kPermissionDenied},
      {404, Code::kNotFound},        {409, Code::kAlreadyExists},   {418, Code::kInternal},
      {500, Code::kInternal},        {501, Code::kUnimplemented},   {503, Code::kUnavailable}};
  for (const auto& [status, code] : kCases) {
    engine_.Answer("POST", kStart, R"({"message":"the reason"})", status);
    const auto started = client_.StartContainer(Limit(), "c");
    ASSERT_FALSE(started);
    EXPECT_EQ(started.error().code, code) << status;
    EXPECT_EQ(started.error().http_status, status);
    EXPECT_EQ(started.error().message,
              fmt::format("POST /containers/{{id}}/start: docker {}: the reason", status));
  }
}

TEST_F(Unary, RefusalsInOtherWords) {
  for (const auto& [body, words] :
       {std::pair("plain text", "plain text"), std::pair("", "no reason given"),
        std::pair(R"({"message":null})", "message"), std::pair("[]", "[]")}) {
    engine_.Answer("POST", kStart, body, 500);
    EXPECT_THAT(client_.StartContainer(Limit(), "c").error().message, HasSubstr(words));
  }
}

TEST_F(Unary, NobodyListens) {
  engine_.Stop();
  const auto info = client_.Info(Limit());
  ASSERT_FALSE(info);
  EXPECT_EQ(info.error().code, Code::kUnavailable);
  EXPECT_THAT(info.error().message, HasSubstr(engine_.Socket()));
}

TEST_F(Unary, TheFirstPostAfterARestartSucceeds) {
  engine_.On("POST", kStart, NoContent);
  ASSERT_TRUE(client_.StartContainer(Limit(), "c"));
  engine_.Stop();
  engine_.Start();
  const auto started = client_.StartContainer(Limit(), "c");
  EXPECT_TRUE(started) << started.error().message;
  EXPECT_EQ(engine_.Requests().size(), 2U);
}

TEST_F(Unary, SoItDoesWithManyConnectionsKept) {
  std::atomic<int> arrived = 0;
  engine_.On("POST", kStart, [&](const EngineRequest&, EngineReply& reply) {
    ++arrived;
    while (arrived < 8) std::this_thread::yield();
    reply.Bare(204);
  });
  const auto start = [&] { return client_.StartContainer(Limit(), "c").has_value(); };
  for (int round = 0; round < 2; ++round) {
    arrived = 0;
    std::vector<std::future<bool>> calls;
    for (int i = 0; i < 8; ++i) calls.push_back(std::async(std::launch::async, start));
    for (auto& call : calls) EXPECT_TRUE(call.get());
    engine_.Stop();
    engine_.Start();
  }
  EXPECT_EQ(engine_.Requests().size(), 16U);
}

TEST_F(Unary, AConnectionWithBytesNobodyAskedForIsNotUsed) {
  std::atomic<bool> talkative = true;
  engine_.On("POST", kStart, [&](const EngineRequest&, EngineReply& reply) {
    reply.Bare(204);
    if (talkative) reply.Raw("HTTP/1.1 500 Stale\r\nContent-Length: 0\r\n\r\n");
  });
  ASSERT_TRUE(client_.StartContainer(Limit(), "c"));
  talkative = false;
  EXPECT_TRUE(client_.StartContainer(Limit(), "c"));
}

TEST_F(Unary, AGetIsSentAgainWhenItsConnectionBreaks) {
  std::atomic<int> times = 0;
  engine_.On("GET", kInfo, [&](const EngineRequest&, EngineReply& reply) {
    if (++times == 1) return reply.Close();
    reply.Json("{}");
  });
  EXPECT_TRUE(client_.Info(Limit()));
  EXPECT_EQ(times, 2);
}

TEST_F(Unary, ButOnlyOnce) {
  std::atomic<int> times = 0;
  engine_.On("GET", kInfo, [&](const EngineRequest&, EngineReply& reply) {
    ++times;
    reply.Close();
  });
  EXPECT_EQ(client_.Info(Limit()).error().code, Code::kUnavailable);
  EXPECT_EQ(times, 2);
}

TEST_F(Unary, APostThatMayHaveBeenCarriedOutIsNotSentAgain) {
  std::atomic<int> times = 0;
  engine_.On("POST", kStart, [&](const EngineRequest&, EngineReply& reply) {
    ++times;
    reply.Close();
  });
  EXPECT_EQ(client_.StartContainer(Limit(), "c").error().code, Code::kUnavailable);
  EXPECT_EQ(times, 1);
}

TEST_F(Unary, CutAnswersAreErrors) {
  for (const std::string answer :
       {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{}",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\n{}", "HTTP/1.1 200",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n{}\r\n", "garbage\r\n\r\n"}) {
    // By value: the engine may still be at it when the client has had enough.
    engine_.On("GET", kInfo, [answer](const EngineRequest&, EngineReply& reply) {
      reply.Raw(answer);
      reply.Close();
    });
    const auto info = client_.Info(Limit());
    ASSERT_FALSE(info) << answer;
    EXPECT_EQ(info.error().code, Code::kUnavailable) << info.error().message;
  }
  engine_.Answer("GET", kInfo, "{}");
  EXPECT_TRUE(client_.Info(Limit()));
}

TEST_F(Unary, EndsAtTheDeadline) {
  engine_.On("POST", kStart, Hang);
  const auto started = client_.StartContainer(CallContext::WithTimeout(milliseconds(100)), "c");
  EXPECT_EQ(started.error().code, Code::kDeadlineExceeded) << started.error().message;
  EXPECT_TRUE(engine_.WaitForOpenConnections(0));
}

TEST_F(Unary, EndsAtTheCallsOwnLimit) {
  Client client({.socket_path = engine_.Socket(), .call_timeout = milliseconds(100)});
  engine_.On("POST", kStart, Hang);
  EXPECT_EQ(client.StartContainer(CallContext(), "c").error().code, Code::kDeadlineExceeded);
}

TEST_F(Unary, AnAnswerThatDripsEndsAtTheDeadlineToo) {
  engine_.On("GET", kInfo, [&](const EngineRequest&, EngineReply& reply) {
    reply.Begin();
    while (!reply.IsClosed()) {
      reply.Chunk(" ");
      std::this_thread::sleep_for(milliseconds(5));
    }
  });
  const auto info = client_.Info(CallContext::WithTimeout(milliseconds(200)));
  EXPECT_EQ(info.error().code, Code::kDeadlineExceeded) << info.error().message;
}

TEST_F(Unary, NothingIsSentWithoutTimeOrCaller) {
  EXPECT_EQ(client_.Info(CallContext::WithTimeout(milliseconds(0))).error().code,
            Code::kDeadlineExceeded);
  EXPECT_EQ(
      client_.Info({.deadline = Limit().deadline, .cancelled = [] { return true; }, .stop = {}})
          .error()
          .code,
      Code::kCancelled);
  EXPECT_TRUE(engine_.Requests().empty());
}

TEST_F(Unary, EndsWhenTheCallerGoesAway) {
  std::atomic<bool> gone = false;
  engine_.On("POST", kStart, [&](const EngineRequest&, EngineReply& reply) {
    gone = true;
    reply.Hang();
  });
  CallContext context;
  context.cancelled = [&] { return gone.load(); };
  const auto started = client_.StartContainer(context, "c");
  EXPECT_EQ(started.error().code, Code::kCancelled) << started.error().message;
  EXPECT_TRUE(engine_.WaitForOpenConnections(0));
}

TEST_F(Unary, EndsWhenTheDaemonStops) {
  std::stop_source stop;
  engine_.On("GET", kInfo, [&](const EngineRequest&, EngineReply& reply) {
    stop.request_stop();
    reply.Hang();
  });
  CallContext context;
  context.stop = stop.get_token();
  EXPECT_EQ(client_.Info(context).error().code, Code::kCancelled);
  EXPECT_EQ(client_.Info(context).error().code, Code::kCancelled);
  EXPECT_EQ(engine_.Requests().size(), 1U);
}

TEST_F(Unary, AfterAnInterruptedCallOthersGoOn) {
  engine_.On("POST", kStart, Hang);
  engine_.Answer("GET", kInfo, "{}");
  for (int i = 0; i < 5; ++i) {
    EXPECT_FALSE(client_.StartContainer(CallContext::WithTimeout(milliseconds(30)), "c"));
    EXPECT_TRUE(client_.Info(Limit()));
  }
}

TEST_F(Unary, AnswersAreBounded) {
  engine_.On("GET", kInfo, [&](const EngineRequest&, EngineReply& reply) {
    reply.Begin();
    const std::string piece(1 << 20, ' ');
    while (!reply.IsClosed()) reply.Chunk(piece);
  });
  EXPECT_EQ(client_.Info(Limit()).error().code, Code::kResourceExhausted);
}

TEST(Observer, SeesEveryExchange) {
  FakeEngine engine;
  engine.On("POST", kStart, NoContent);
  std::vector<std::string> seen;
  Client client({.socket_path = engine.Socket()},
                [&](std::string_view operation, std::chrono::nanoseconds, int status) {
                  seen.push_back(fmt::format("{} {}", operation, status));
                });
  ASSERT_TRUE(client.StartContainer(Limit(), "c"));
  ASSERT_FALSE(client.InspectContainer(Limit(), "c"));
  engine.Stop();
  ASSERT_FALSE(client.InspectContainer(Limit(), "c"));
  EXPECT_THAT(seen,
              testing::ElementsAre("GET /_ping 200", "POST /containers/{id}/start 204",
                                   "GET /containers/{id}/json 404", "GET /containers/{id}/json 0"));
}

}  // namespace
}  // namespace dockershimd::dockerapi
