// What CRI says of containers that have ended, or never began.
#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "cri_test.h"
#include "eventually.h"

namespace dockershimd::tests {
namespace {

namespace cri_v1 = runtime::v1;
using nlohmann::json;
using testing::HasSubstr;

const std::string kStopSignalImage = "gcr.io/k8s-staging-cri-tools/test-image-stop-signal:latest";

/// How a container ends that runs `command`.
struct End {
  std::string name;
  std::vector<std::string> command;
  int exit_code = 0;
  std::string reason = {};
  std::string message = {};  ///< a part of it
};

class AnswersTest : public CriTest {
 protected:
  void SetUp() override {
    NeedImages(cri_, {kBusybox, kStopSignalImage});
    pod_ = PodConfig("answers");
    const auto pod_id = Run(pod_);
    ASSERT_TRUE(pod_id) << pod_id.error().message;
    pod_id_ = *pod_id;
  }

  static cri_v1::ContainerConfig Config(const std::string& name,
                                        const std::vector<std::string>& command) {
    auto config = SleeperConfig(name);
    config.mutable_command()->Assign(command.begin(), command.end());
    // A process 1 does not get the signals that it has no handler for.
    config.mutable_linux()->mutable_security_context()->mutable_namespace_options()->set_pid(
        cri_v1::POD);
    return config;
  }

  cri_v1::ContainerStatus Ended(const std::string& id) {
    cri_v1::ContainerStatus seen;
    EXPECT_TRUE(Eventually([&] {
      const auto status = StatusOf(cri_, id);
      if (status) seen = *status;
      return seen.state() == cri_v1::CONTAINER_EXITED;
    })) << seen.DebugString();
    return seen;
  }

  json Info(const std::string& id) {
    cri_v1::ContainerStatusRequest request;
    request.set_container_id(id);
    request.set_verbose(true);
    const auto response = cri_.Call(&Runtime::ContainerStatus, request);
    if (!response) return {};
    return json::parse(response->info().at("info"), nullptr, false);
  }

  cri_v1::PodSandboxConfig pod_;
  std::string pod_id_;
};

TEST_F(AnswersTest, HowAContainerHasEnded) {
  for (const auto& end : std::vector<End>{
           {"fine", {"true"}, 0, "Completed"},
           {"failed", {"sh", "-c", "exit 3"}, 3, "Error"},
           {"killed", {"sh", "-c", "kill -KILL $$"}, 137, "Error"},
           {"terminated", {"sh", "-c", "kill -TERM $$"}, 143, "Error"},
           {"crashed", {"sh", "-c", "kill -SEGV $$"}, 139, "Error"},
           {"missing", {"/no/such/program"}, 127, "ContainerCannotRun", "no such file"},
           {"no-program", {"/etc/passwd"}, 126, "ContainerCannotRun", "permission denied"},
       }) {
    const auto id = CreateContainer(cri_, pod_id_, pod_, Config(end.name, end.command));
    ASSERT_TRUE(id) << id.error().message;
    const auto started = StartContainer(cri_, *id);
    EXPECT_EQ(started.has_value(), end.message.empty()) << end.name;
    EXPECT_THAT(started ? "" : started.error().message, HasSubstr(end.message)) << end.name;
    const auto status = Ended(*id);
    EXPECT_EQ(status.exit_code(), end.exit_code) << end.name;
    EXPECT_EQ(status.reason(), end.reason) << end.name;
    EXPECT_THAT(status.message(), HasSubstr(end.message)) << end.name;
    EXPECT_GT(status.created_at(), 0) << end.name;
    EXPECT_GE(status.started_at(), status.created_at()) << end.name;
    EXPECT_GE(status.finished_at(), status.started_at()) << end.name;
  }
}

TEST_F(AnswersTest, BeforeTheStart) {
  auto config = Config("created", {"true"});
  config.mutable_linux()->mutable_security_context()->mutable_run_as_user()->set_value(7);
  config.mutable_linux()->mutable_security_context()->mutable_run_as_group()->set_value(8);
  const auto id = CreateContainer(cri_, pod_id_, pod_, config);
  ASSERT_TRUE(id) << id.error().message;
  auto status = StatusOf(cri_, *id);
  ASSERT_TRUE(status);
  EXPECT_EQ(status->state(), cri_v1::CONTAINER_CREATED);
  EXPECT_EQ(status->started_at(), 0);
  EXPECT_EQ(status->finished_at(), 0);
  EXPECT_EQ(status->reason(), "");
  EXPECT_EQ(status->user().linux().uid(), 7);
  // The same after its end, when no process shows it any more.
  ASSERT_TRUE(StartContainer(cri_, *id));
  const auto ended = Ended(*id);
  EXPECT_EQ(ended.user().linux().uid(), 7);
  EXPECT_EQ(ended.user().linux().gid(), 8);
  EXPECT_EQ(ended.log_path(), pod_.log_directory() + "/created.log");
}

TEST_F(AnswersTest, TheImageIsTheSameEverywhere) {
  const auto id = Start(pod_id_, pod_, SleeperConfig("image"));
  ASSERT_TRUE(id) << id.error().message;
  cri_v1::PullImageRequest pull;
  pull.mutable_image()->set_image(kBusybox);
  const auto pulled = cri_.Call(&ImageApi::PullImage, pull);
  ASSERT_TRUE(pulled);
  const std::string& image = pulled->image_ref();
  const auto images = cri_.Call(&ImageApi::ListImages, cri_v1::ListImagesRequest());
  ASSERT_TRUE(images);
  EXPECT_EQ(std::count_if(images->images().begin(), images->images().end(),
                          [&](const auto& row) { return row.id() == image; }),
            1);
  const auto status = StatusOf(cri_, *id);
  ASSERT_TRUE(status);
  EXPECT_EQ(status->image_id(), image);
  EXPECT_EQ(status->image().image(), kBusybox);
  cri_v1::ImageStatusRequest request;
  request.mutable_image()->set_image(status->image_ref());
  const auto found = cri_.Call(&ImageApi::ImageStatus, request);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->image().id(), image) << status->image_ref();
  const auto rows = cri_.Call(&Runtime::ListContainers, cri_v1::ListContainersRequest());
  ASSERT_TRUE(rows);
  ASSERT_EQ(rows->containers_size(), 1);
  EXPECT_EQ(rows->containers(0).image_id(), image);
  EXPECT_EQ(rows->containers(0).image_ref(), image);
  EXPECT_EQ(rows->containers(0).image().image(), kBusybox);
}

TEST_F(AnswersTest, TheImagesStopSignal) {
  const std::vector<std::string> command = {"sh", "-c",
                                            "trap 'exit 9' USR1; while :; do sleep 0.1; done"};
  auto config = Config("signal", command);
  config.mutable_image()->set_image(kStopSignalImage);
  const auto id = Start(pod_id_, pod_, config);
  ASSERT_TRUE(id) << id.error().message;
  auto status = StatusOf(cri_, *id);
  ASSERT_TRUE(status);
  EXPECT_EQ(status->stop_signal(), cri_v1::SIGNAL_SIGUSR1);
  ASSERT_TRUE(StopContainer(cri_, *id, 60));
  EXPECT_EQ(Ended(*id).exit_code(), 9);
}

TEST_F(AnswersTest, VerboseInfo) {
  auto config = SleeperConfig("verbose");
  (*config.mutable_annotations())["tests.example/note"] = "kept";
  const auto id = Start(pod_id_, pod_, config);
  ASSERT_TRUE(id) << id.error().message;
  const auto info = Info(*id);
  EXPECT_EQ(info["sandboxID"], pod_id_);
  EXPECT_EQ(info["config"]["metadata"]["name"], "verbose");
  const int pid = info["pid"];
  EXPECT_TRUE(std::filesystem::exists("/proc/" + std::to_string(pid) + "/cgroup"));
  cri_v1::PodSandboxStatusRequest request;
  request.set_pod_sandbox_id(pod_id_);
  request.set_verbose(true);
  const auto sandbox = cri_.Call(&Runtime::PodSandboxStatus, request);
  ASSERT_TRUE(sandbox);
  const auto pod = json::parse(sandbox->info().at("info"), nullptr, false);
  EXPECT_EQ(pod["config"]["metadata"]["name"], "answers");
  EXPECT_GT(pod["pid"], 0);
}

/// Docker hands annotations to the OCI runtime since API 1.43: they are in the bundle then.
TEST_F(AnswersTest, AnnotationsReachTheRuntime) {
  auto config = SleeperConfig("annotated");
  (*config.mutable_annotations())["tests.example/note"] = "kept";
  const auto id = Start(pod_id_, pod_, config);
  ASSERT_TRUE(id) << id.error().message;
  const std::string bundle =
      "/run/docker-exec/containerd/daemon/io.containerd.runtime.v2.task/moby/" + *id;
  std::ifstream file(bundle + "/config.json");
  const auto oci = json::parse(file, nullptr, false);
  ASSERT_TRUE(oci.is_object()) << bundle;
  if (std::string(std::getenv("DSD_TEST_ENGINE")) == "20.10") {
    EXPECT_FALSE(oci.contains("annotations")) << "remove this: the engine passes them on";
  } else {
    EXPECT_EQ(oci["annotations"]["tests.example/note"], "kept");
  }
}

}  // namespace
}  // namespace dockershimd::tests
