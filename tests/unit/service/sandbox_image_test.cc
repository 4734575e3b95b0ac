#include "shim/service/sandbox_image.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "fake_engine.h"

namespace dockershimd::shim::service {
namespace {

using testsupport::EngineReply;
using testsupport::EngineRequest;
using testsupport::FakeEngine;

/// As Docker 29: of two loads of one image at a time the later one fails.
TEST(SandboxImage, IsGotOnceByCallersSideBySide) {
  FakeEngine fake;
  std::atomic<int> loads = 0;
  std::atomic<bool> present = false;
  fake.On("GET", "/images/*/json", [&](const EngineRequest&, EngineReply& reply) {
    if (!present) return reply.Refuse(404, "No such image");
    reply.Json(R"({"Id":"sha256:a"})");
  });
  fake.On("POST", "/images/load", [&](const EngineRequest&, EngineReply& reply) {
    if (++loads > 1) return reply.Refuse(500, "already exists");
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    present = true;
    reply.Json("{}");
  });
  dockerapi::Client docker({.socket_path = fake.Socket()});
  SandboxImage image(docker, "");
  std::vector<std::jthread> callers;
  for (int i = 0; i < 4; ++i) {
    callers.emplace_back([&] {
      const auto limit = base::CallContext::WithTimeout(std::chrono::seconds(20));
      const auto done = image.Ensure(limit);
      EXPECT_TRUE(done) << done.error().message;
    });
  }
  callers.clear();
  EXPECT_EQ(loads, 1);
}

}  // namespace
}  // namespace dockershimd::shim::service
