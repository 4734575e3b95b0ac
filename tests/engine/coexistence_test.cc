// Pods beside what else people run on the same engine: neither disturbs the other.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>

#include "criclient/client.h"
#include "daemon_process.h"
#include "docker_cli.h"
#include "eventually.h"
#include "pods.h"

namespace dockershimd::tests {
namespace {

namespace cri_v1 = runtime::v1;
using base::Code;
using testing::HasSubstr;

/// Picks the tasks of the service.
const std::string kOfService = " --filter label=com.docker.swarm.service.name=web";
const std::string kForever = " sh -c \"trap 'exit 0' TERM; sleep 1000000 & wait\"";

/// Starts and ends a daemon; holds the pods that run on it.
class Node {
 public:
  explicit Node(const std::string& network)
      : daemon_({"--network=" + network}), cri_(daemon_.Endpoint()) {}

  criclient::Client& Cri() { return cri_; }
  DaemonProcess& Daemon() { return daemon_; }

  /// A container in a pod of its own. An empty id after a failure, which fails the test.
  std::string Start(const std::string& name, const std::string& image = kBusybox) {
    const auto pod = PodConfig(name);
    auto container = SleeperConfig(name);
    container.mutable_image()->set_image(image);
    const auto pod_id = RunPod(cri_, pod);
    EXPECT_TRUE(pod_id) << pod_id.error().message;
    if (!pod_id) return "";
    pods_.push_back(*pod_id);
    const auto id = CreateContainer(cri_, *pod_id, pod, container);
    EXPECT_TRUE(id) << id.error().message;
    if (!id) return "";
    const auto started = StartContainer(cri_, *id);
    EXPECT_TRUE(started) << started.error().message;
    return *id;
  }

  void RemovePods() {
    for (const auto& id : pods_) EXPECT_TRUE(RemovePod(cri_, id));
    pods_.clear();
  }

  std::string Output(const std::string& id, const std::vector<std::string>& command) {
    const auto done = Exec(cri_, id, command);
    return done ? done->stdout() : done.error().message;
  }

  /// The id; empty where CRI knows no such image.
  std::string ImageId(const std::string& name) {
    cri_v1::ImageStatusRequest request;
    request.mutable_image()->set_image(name);
    const auto status = cri_.Call(&ImageApi::ImageStatus, request);
    EXPECT_TRUE(status) << status.error().message;
    return status ? status->image().id() : "";
  }

  base::Status RemoveImage(const std::string& name) {
    cri_v1::RemoveImageRequest request;
    request.mutable_image()->set_image(name);
    const auto removed = cri_.Call(&ImageApi::RemoveImage, request);
    return removed ? base::Status() : base::Fail(removed.error());
  }

 private:
  DaemonProcess daemon_;
  criclient::Client cri_;
  std::vector<std::string> pods_;
};

/// A Swarm of one node with a service, and what `docker run`, `docker network` and so on make.
class CoexistenceTest : public testing::Test {
 protected:
  void SetUp() override {
    Docker("pull -q " + kBusybox);
    Docker("swarm init --advertise-addr 127.0.0.1 --listen-addr 127.0.0.1:2377");
    Docker("service create --detach --quiet --no-resolve-image --name web --replicas 2 " +
           kBusybox + kForever);
    Docker("network create shop");
    Docker("volume create data");
    Docker("run -d --name plain --network shop --restart always --volume data:/data " + kBusybox +
           kForever);
    // By its name and its container labels a pod's, were it not for the label that counts.
    Docker("run -d --name k8s_main_web_shop_uid_0 --label io.kubernetes.pod.name=web " + kBusybox +
           kForever);
    Docker("create --name nightly " + kBusybox + " echo done");
    ASSERT_TRUE(HasReplicas(2));
  }

  void TearDown() override {
    Docker("service rm web");
    EXPECT_TRUE(Eventually([] { return Docker("ps --all --quiet" + kOfService).empty(); }));
    Docker("swarm leave --force");
    Docker("rm --force --volumes plain k8s_main_web_shop_uid_0 nightly");
    Docker("network rm shop");
    Docker("volume rm data");
  }

  static bool HasReplicas(int count) {
    return Eventually([&] {
      return Docker("service ls --format '{{.Replicas}}'") == fmt::format("{0}/{0}", count);
    });
  }

  /// All that is not of pods, each thing with what would be another one after a restart.
  static std::string Neighbours() {
    const auto containers = Docker(
        "inspect --format '{{.Name}} {{.Id}} {{.Image}} {{.State.Status}} {{.State.StartedAt}} "
        "{{.RestartCount}}{{range .NetworkSettings.Networks}} {{.NetworkID}}{{.IPAddress}}{{end}}' "
        "plain k8s_main_web_shop_uid_0 nightly $(docker ps --quiet --no-trunc" +
        kOfService + " | sort)");
    return containers + "\n" + Docker("network ls --no-trunc") + "\n" + Docker("volume ls") + "\n" +
           Docker("service ps --no-trunc --format '{{.ID}} {{.DesiredState}}' web");
  }

  static void ExpectCriKnowsOnly(criclient::Client& cri, const std::string& container) {
    const auto listed = cri.Call(&Runtime::ListContainers, cri_v1::ListContainersRequest());
    ASSERT_TRUE(listed) << listed.error().message;
    ASSERT_EQ(listed->containers_size(), 1);
    EXPECT_EQ(listed->containers(0).id(), container);
    const auto pods = cri.Call(&Runtime::ListPodSandbox, cri_v1::ListPodSandboxRequest());
    ASSERT_TRUE(pods) << pods.error().message;
    EXPECT_EQ(pods->items_size(), 1);
  }
};

TEST_F(CoexistenceTest, SwarmAndPlainContainersLiveBesidePods) {
  const auto before = Neighbours();
  for (const std::string network : {"cni", "bridge"}) {
    SCOPED_TRACE("--network " + network);
    Node node(network);
    const auto id = node.Start("beside-" + network);
    ExpectCriKnowsOnly(node.Cri(), id);
    EXPECT_THAT(Docker("ps --format '{{.Names}}'"),
                testing::AllOf(HasSubstr("k8s_beside-" + network), HasSubstr("plain"),
                               HasSubstr("web.1."), HasSubstr("web.2.")));
    EXPECT_EQ(Neighbours(), before) << "beside a pod";

    node.Daemon().Kill();
    node.Daemon().Start();
    EXPECT_EQ(node.Output(id, {"hostname"}), "beside-" + network + "\n");
    EXPECT_EQ(Docker("exec plain echo alive"), "alive");
    node.RemovePods();
    EXPECT_EQ(node.Daemon().Stop(), 0);
    EXPECT_EQ(Neighbours(), before) << "after the pod and the daemon";
  }
  EXPECT_EQ(Docker("start --attach nightly"), "done");
}

TEST_F(CoexistenceTest, ServicesAreUpdatedBesidePods) {
  Node node("cni");
  const auto id = node.Start("beside");
  Docker("service scale --detach web=4");
  EXPECT_TRUE(HasReplicas(4));
  Docker("service scale --detach web=2");
  EXPECT_TRUE(HasReplicas(2));
  const auto task = Docker("ps --quiet" + kOfService + " | head -n 1");
  Docker("rm --force " + task);
  EXPECT_TRUE(Eventually([&] {
    const auto tasks = Docker("ps --quiet" + kOfService);
    return tasks.find(task) == std::string::npos && tasks.find('\n') != std::string::npos;
  })) << "Swarm replaces a task whose container is gone";
  EXPECT_TRUE(HasReplicas(2));
  Docker("restart --time 1 plain");
  ExpectCriKnowsOnly(node.Cri(), id);
  EXPECT_EQ(node.Output(id, {"hostname"}), "beside\n");
  node.RemovePods();
}

/// Kubelet removes images when the disk is full, and knows only of those that pods use.
TEST_F(CoexistenceTest, ImagesInUseByOthersAreKept) {
  Node node("cni");
  const auto image = node.ImageId(kBusybox);
  for (const auto& name : {kBusybox, image}) {
    const auto removed = node.RemoveImage(name);
    ASSERT_FALSE(removed);
    EXPECT_EQ(removed.error().code, Code::kFailedPrecondition);
  }
  EXPECT_EQ(node.ImageId(kBusybox), image);
}

/// Images as `docker build` leaves them on this engine.
class BuiltImagesTest : public testing::Test {
 protected:
  BuiltImagesTest() { std::filesystem::create_directories(folder_); }

  void SetUp() override { Docker("pull -q " + kBusybox); }

  void TearDown() override {
    Docker("rmi --force " + std::string(kApp));
    Docker("image prune --force");  // those that a later build took the name from
  }

  void Build(const std::string& content) {
    std::ofstream(folder_ / "Dockerfile")
        << "FROM " << kBusybox << "\nRUN echo " << content << " >/content\n";
    Docker("build --quiet --network none --tag " + std::string(kApp) + " " + folder_.string());
  }

  static constexpr const char* kApp = "local/app:dev";
  std::filesystem::path folder_ = std::filesystem::path(std::getenv("DSD_TEST_STATE")) / "app";
  Node node_{"cni"};
};

/// As kubelet does for IfNotPresent and Never: it asks for the name and creates with the id.
TEST_F(BuiltImagesTest, RunAtOnce) {
  EXPECT_EQ(node_.ImageId(kApp), "");
  Build("first");
  const auto first = node_.ImageId(kApp);
  ASSERT_NE(first, "") << "without a pull, right after the build";
  const auto by_id = node_.Start("by-id", first);
  const auto by_name = node_.Start("by-name", kApp);
  EXPECT_EQ(node_.Output(by_id, {"cat", "/content"}), "first\n");
  EXPECT_EQ(node_.Output(by_name, {"cat", "/content"}), "first\n");

  Build("second");
  EXPECT_TRUE(Eventually([&] { return node_.ImageId(kApp) != first; }));
  const auto second = node_.Start("second", node_.ImageId(kApp));
  EXPECT_EQ(node_.Output(second, {"cat", "/content"}), "second\n");
  EXPECT_EQ(node_.Output(by_name, {"cat", "/content"}), "first\n");
  EXPECT_EQ(StatusOf(node_.Cri(), by_name)->image_ref(), first);
  node_.RemovePods();
}

TEST_F(BuiltImagesTest, GoWhenDockerRemovesThem) {
  Build("short-lived");
  ASSERT_NE(node_.ImageId(kApp), "");
  Docker("rmi " + std::string(kApp));
  EXPECT_TRUE(Eventually([&] { return node_.ImageId(kApp).empty(); }));
  Build("again");
  EXPECT_NE(node_.ImageId(kApp), "");
}

}  // namespace
}  // namespace dockershimd::tests
