#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dockerapi/client.h"
#include "fake_engine.h"

namespace dockershimd::dockerapi {
namespace {

using base::CallContext;
using base::Code;
using testing::HasSubstr;
using testsupport::EngineReply;
using testsupport::EngineRequest;
using testsupport::FakeEngine;

CallContext Limit() { return CallContext::WithTimeout(std::chrono::seconds(20)); }

TEST(Negotiation, OneCheapCall) {
  FakeEngine engine("1.47");
  Client client({.socket_path = engine.Socket()});
  EXPECT_EQ(client.Negotiate(Limit()), (ApiVersion{1, 47}));
  EXPECT_TRUE(engine.Requests().empty());
}

TEST(Negotiation, HappensByItself) {
  FakeEngine engine("1.40");
  Client client({.socket_path = engine.Socket()});
  ASSERT_TRUE(client.StartContainer(Limit(), "c").error().code == Code::kNotFound);
  EXPECT_EQ(engine.Request().target, "/v1.40/containers/c/start");
}

TEST(Negotiation, NewerEnginesAreAskedInTheNewestKnownApi) {
  FakeEngine engine("1.99");
  Client client({.socket_path = engine.Socket()});
  EXPECT_EQ(client.Negotiate(Limit()), kNewestApi);
  EXPECT_EQ(engine.Request().target, "/version");
}

TEST(Negotiation, AnEngineThatForgotOurApi) {
  FakeEngine engine("2.99");
  engine.Answer("GET", "/version", R"({"ApiVersion":"2.99","MinAPIVersion":"2.1"})");
  Client client({.socket_path = engine.Socket()});
  const auto negotiated = client.Negotiate(Limit());
  ASSERT_FALSE(negotiated);
  EXPECT_EQ(negotiated.error().code, Code::kFailedPrecondition);
  EXPECT_THAT(negotiated.error().message, HasSubstr("2.1"));
}

TEST(Negotiation, TooOld) {
  FakeEngine engine("1.39");
  Client client({.socket_path = engine.Socket()});
  const auto version = client.Version(Limit());
  ASSERT_FALSE(version);
  EXPECT_EQ(version.error().code, Code::kFailedPrecondition);
  EXPECT_THAT(version.error().message, testing::AllOf(HasSubstr("1.39"), HasSubstr("1.40")));
  EXPECT_TRUE(engine.Requests().empty());
}

TEST(Negotiation, NoDocker) {
  FakeEngine engine;
  engine.On("GET", "/_ping", [](const EngineRequest&, EngineReply& reply) { reply.Json("{}"); });
  Client client({.socket_path = engine.Socket()});
  EXPECT_EQ(client.Negotiate(Limit()).error().code, Code::kFailedPrecondition);
}

TEST(Negotiation, AnEngineThatIsStillStarting) {
  FakeEngine engine;
  engine.On("GET", "/_ping",
            [](const EngineRequest&, EngineReply& reply) { reply.Refuse(503, "starting"); });
  Client client({.socket_path = engine.Socket()});
  EXPECT_EQ(client.Negotiate(Limit()).error().code, Code::kUnavailable);
}

TEST(Negotiation, AnotherVersionAfterARestart) {
  FakeEngine engine("1.47");
  Client client({.socket_path = engine.Socket()});
  ASSERT_TRUE(client.Negotiate(Limit()));
  engine.On("GET", "/_ping", [](const EngineRequest&, EngineReply& reply) {
    reply.Raw("HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nContent-Length: 2\r\n\r\nOK");
  });
  engine.Stop();
  engine.Start();
  EXPECT_EQ(client.Negotiate(Limit()), (ApiVersion{1, 41}));
  ASSERT_TRUE(client.Version(Limit()));
  EXPECT_EQ(engine.Request().target, "/v1.41/version");
}

}  // namespace
}  // namespace dockershimd::dockerapi
