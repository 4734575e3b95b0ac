#include "shim/service/containers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "fake_engine.h"

namespace dockershimd::shim::service {
namespace {

using base::CallContext;
using testing::Contains;
using testing::Not;
using testsupport::EngineReply;
using testsupport::EngineRequest;
using testsupport::FakeEngine;

using Json = nlohmann::json;

// As long as true ones: a short one may be part of the name of the test's own cgroup.
const std::string kPod(64, '5');
const std::string kContainer(64, 'c');
const std::string kKill = "/containers/" + kContainer + "/kill";

/// A pod's sandbox with DNS settings, and a container with a limit that Docker does not know.
class ContainersTest : public testing::Test {
 protected:
  ContainersTest()
      : folder_(MakeFolder()),
        docker_({.socket_path = fake_.Socket()}),
        engine_(docker_, {"10m", "2"}),
        model_(docker_, {.network_of = [](const auto&) { return translate::NetworkView{true, {}}; },
                         .on_change = {}}),
        logs_({folder_}, docker_),
        containers_(docker_, engine_, model_, logs_) {
    std::ofstream(folder_ / "resolv.conf") << "nameserver 127.0.0.11\n";
    fake_.Answer("GET", "/info", R"({"CgroupVersion": "1"})");
    fake_.On("GET", "/containers/*/json", [this](const EngineRequest& request, EngineReply& reply) {
      reply.Json(Details(request.Path().find(kPod) != std::string::npos).dump());
    });
    fake_.On("POST", "/containers/*/kill",
             [](const EngineRequest&, EngineReply& reply) { reply.Bare(204); });
    fake_.Answer("POST", "/containers/create", Json{{"Id", kContainer}}.dump(), 201);
  }
  ~ContainersTest() override { std::filesystem::remove_all(folder_); }

  void SetUp() override {
    ASSERT_TRUE(engine_.Load(Limit()));
    ASSERT_TRUE(model_.Refresh(Limit(), kPod));
  }

  static std::filesystem::path MakeFolder() {
    std::string name = testing::TempDir() + "containersXXXXXX";
    return mkdtemp(name.data());
  }

  static CallContext Limit() { return CallContext::WithTimeout(std::chrono::seconds(20)); }

  Json Details(bool is_sandbox) const {
    const bool is_running = is_sandbox || runs_;
    // This test's own process, whose cgroup is not the container's: limits cannot be set.
    Json state = {{"Status", is_running ? "running" : "created"},
                  {"Running", is_running},
                  {"Pid", is_running ? ::getpid() : 0},
                  {"StartedAt", is_running ? "2026-01-02T03:04:05Z" : ""}};
    Json labels = {{"io.kubernetes.docker.type", is_sandbox ? "podsandbox" : "container"},
                   {"io.kubernetes.sandbox.id", is_sandbox ? "" : kPod}};
    labels["io.dockershimd.config"] =
        is_sandbox ? R"({"metadata": {"name": "p"}, "dns_config": {"servers": ["192.0.2.1"]}})"
                   : R"({"metadata": {"name": "c"}, "linux": {"resources": {"hugepage_limits":
                        [{"page_size": "2MB", "limit": "0"}]}}})";
    return {{"Id", is_sandbox ? kPod : kContainer},
            {"Name", is_sandbox ? "/k8s_POD_p_n_u_0" : "/k8s_c_p_n_u_0"},
            {"State", state},
            {"Config", {{"Labels", labels}}},
            {"ResolvConfPath", is_sandbox ? folder_ / "resolv.conf" : ""}};
  }

  std::vector<std::string> Posts() const {
    std::vector<std::string> paths;
    for (const auto& request : fake_.Requests()) {
      if (request.method == "POST") paths.push_back(request.Path());
    }
    return paths;
  }

  base::Result<runtime::v1::CreateContainerResponse> Create() {
    runtime::v1::CreateContainerRequest request;
    request.set_pod_sandbox_id(kPod);
    request.mutable_config()->mutable_metadata()->set_name("c");
    request.mutable_config()->mutable_image()->set_image("app:1");
    return containers_.Create(Limit(), request);
  }

  std::filesystem::path folder_;
  std::atomic<bool> runs_ = false;
  FakeEngine fake_;
  dockerapi::Client docker_;
  node::Engine engine_;
  node::Model model_;
  logs::LogPipeline logs_;
  Containers containers_;
};

TEST_F(ContainersTest, TheFirstFindsThePodsDnsSettings) {
  const auto created = Create();
  ASSERT_TRUE(created) << created.error().message;
  EXPECT_EQ(base::ReadFile(folder_ / "resolv.conf"), "nameserver 192.0.2.1\n");
  // Later ones are not to undo what the pod has made of it.
  std::ofstream(folder_ / "resolv.conf") << "nameserver 192.0.2.2\n";
  ASSERT_TRUE(Create());
  EXPECT_EQ(base::ReadFile(folder_ / "resolv.conf"), "nameserver 192.0.2.2\n");
}

TEST_F(ContainersTest, AStartThatOutlivesItsCallHasItsLimits) {
  ASSERT_TRUE(model_.Refresh(Limit(), kContainer));
  fake_.On("POST", "/containers/*/start",
           [](const EngineRequest&, EngineReply& reply) { reply.Hang(); });
  runtime::v1::StartContainerRequest request;
  request.set_container_id(kContainer);
  const auto started =
      containers_.Start(CallContext::WithTimeout(std::chrono::milliseconds(100)), request);
  ASSERT_FALSE(started);
  EXPECT_THAT(Posts(), Not(Contains(kKill)));
  runs_ = true;
  ASSERT_TRUE(model_.Refresh(Limit(), kContainer));
  containers_.OnStarted(kContainer);
  // They cannot be set here, so it must not run on.
  EXPECT_THAT(Posts(), Contains(kKill));
}

TEST_F(ContainersTest, AStartThatHasOutlivedItsCallHasItsLimits) {
  ASSERT_TRUE(model_.Refresh(Limit(), kContainer));
  fake_.On("POST", "/containers/*/start", [this](const EngineRequest&, EngineReply& reply) {
    runs_ = true;
    reply.Hang();
  });
  runtime::v1::StartContainerRequest request;
  request.set_container_id(kContainer);
  EXPECT_FALSE(
      containers_.Start(CallContext::WithTimeout(std::chrono::milliseconds(100)), request));
  EXPECT_THAT(Posts(), Contains(kKill));
}

TEST_F(ContainersTest, LimitsAreSetOnce) {
  runs_ = true;
  ASSERT_TRUE(model_.Refresh(Limit(), kContainer));
  containers_.OnStarted(kContainer);
  EXPECT_THAT(Posts(), Not(Contains(kKill)));
}

}  // namespace
}  // namespace dockershimd::shim::service
