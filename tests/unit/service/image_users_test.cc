#include "shim/service/image_users.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "fake_engine.h"

namespace dockershimd::shim::service {
namespace {

using base::CallContext;
using base::Code;
using testing::HasSubstr;
using testsupport::EngineReply;
using testsupport::EngineRequest;
using testsupport::FakeEngine;

std::string Archive(const std::string& content) {
  std::string header(512, '\0');
  const std::string size = fmt::format("{:011o}", content.size());
  header.replace(124, size.size(), size);
  header[156] = '0';
  header.replace(257, 5, "ustar");
  return header + content + std::string(512 - content.size() % 512, '\0');
}

class ImageUsersTest : public testing::Test {
 protected:
  ImageUsersTest() : docker_({.socket_path = fake_.Socket()}), users_(docker_) {
    fake_.Answer("GET", "/images/*/json", R"({"Id": "sha256:abc", "Config": {"User": "me"}})");
    fake_.Answer("POST", "/containers/create", R"({"Id": "probe"})", 201);
    fake_.On("DELETE", "/containers/*",
             [](const EngineRequest&, EngineReply& reply) { reply.Bare(204); });
    fake_.On("GET", "/containers/probe/archive",
             [](const EngineRequest& request, EngineReply& reply) {
               if (request.Query("path") != "/etc/passwd") return reply.Refuse(404, "no such file");
               reply.Begin();
               reply.Chunk(Archive("me:x:1:2"));
               reply.LastChunk();
             });
  }
  auto Of(const std::string& image) {
    return users_.Of(CallContext::WithTimeout(std::chrono::seconds(20)), image);
  }
  int Count(const std::string& method, const std::string& path) {
    int count = 0;
    for (const auto& request : fake_.Requests()) {
      count += request.method == method && request.Path() == path ? 1 : 0;
    }
    return count;
  }

  FakeEngine fake_;
  dockerapi::Client docker_;
  ImageUsers users_;
};

TEST_F(ImageUsersTest, ReadsOnceAndTidiesUp) {
  for (int i = 0; i < 2; ++i) {
    const auto accounts = Of("app");
    ASSERT_TRUE(accounts) << accounts.error().message;
    EXPECT_EQ((*accounts)->default_user, "me");
    EXPECT_EQ((*accounts)->passwd, "me:x:1:2");
    EXPECT_EQ((*accounts)->group, "");
  }
  EXPECT_EQ(Count("POST", "/containers/create"), 1);
  EXPECT_EQ(Count("DELETE", "/containers/probe"), 1);
}

TEST_F(ImageUsersTest, ALeftoverMakesRoom) {
  std::atomic<int> calls = 0;
  fake_.On("POST", "/containers/create", [&](const EngineRequest& request, EngineReply& reply) {
    EXPECT_EQ(request.Query("name"), "dockershimd_users_abc");
    if (calls++ == 0) return reply.Refuse(409, "the name is in use");
    reply.Json(R"({"Id": "probe"})", 201);
  });
  ASSERT_TRUE(Of("app"));
  EXPECT_EQ(Count("DELETE", "/containers/dockershimd_users_abc"), 1);
}

TEST_F(ImageUsersTest, FailuresTidyUpToo) {
  fake_.On("GET", "/containers/probe/archive",
           [](const EngineRequest&, EngineReply& reply) { reply.Refuse(500, "no disk"); });
  const auto accounts = Of("app");
  ASSERT_FALSE(accounts);
  EXPECT_THAT(accounts.error().message, HasSubstr("read the users of image app"));
  EXPECT_EQ(Count("DELETE", "/containers/probe"), 1);
}

TEST_F(ImageUsersTest, NoSuchImage) {
  fake_.On("GET", "/images/*/json",
           [](const EngineRequest&, EngineReply& reply) { reply.Refuse(404, "no such image"); });
  EXPECT_EQ(Of("app").error().code, Code::kNotFound);
}

}  // namespace
}  // namespace dockershimd::shim::service
