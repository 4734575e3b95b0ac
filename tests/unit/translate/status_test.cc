#include "shim/translate/status.h"

#include <gmock/gmock.h>

#include "cases.h"

namespace dockershimd::shim::translate {
namespace {

using nlohmann::json;
using runtime::v1::ContainerState;
using runtime::v1::ContainerStatus;
using runtime::v1::PodSandboxState;
using testing::IsEmpty;
using namespace testing_support;

const std::string kImageId = "sha256:" + std::string(64, 'a');

SandboxRecord Sandbox() {
  SandboxRecord sandbox;
  sandbox.details.id = "s1";
  sandbox.details.created_at = 100;
  sandbox.details.state.status = "running";
  sandbox.details.state.running = true;
  sandbox.details.state.pid = 4;
  sandbox.details.storage_driver = "overlay2";
  sandbox.details.image = "pause:1";
  sandbox.config = Parse<runtime::v1::PodSandboxConfig>(R"(
      metadata { name: "pod" namespace: "ns" uid: "u" attempt: 3 } hostname: "h"
      labels { key: "l" value: "1" } annotations { key: "a" value: "2" }
      linux { security_context { namespace_options { pid: CONTAINER ipc: NODE } } })");
  sandbox.runtime_handler = "crun";
  return sandbox;
}

TEST(SandboxState, ReadyOnlyWithProcessAndNetwork) {
  const auto state = [](bool running, bool paused, bool network) {
    SandboxRecord sandbox;
    sandbox.details.state.running = running;
    sandbox.details.state.paused = paused;
    return SandboxState(sandbox, {network, {}});
  };
  EXPECT_EQ(state(true, false, true), PodSandboxState::SANDBOX_READY);
  EXPECT_EQ(state(true, false, false), PodSandboxState::SANDBOX_NOTREADY);
  EXPECT_EQ(state(true, true, true), PodSandboxState::SANDBOX_NOTREADY);
  EXPECT_EQ(state(false, false, true), PodSandboxState::SANDBOX_NOTREADY);
}

TEST(Sandbox, Row) {
  const std::string expected =
      R"(id: "s1" metadata { name: "pod" namespace: "ns" uid: "u" attempt: 3 }
      state: SANDBOX_READY created_at: 100 labels { key: "l" value: "1" }
      annotations { key: "a" value: "2" } runtime_handler: "crun")";
  EXPECT_EQ(Text(ToPodSandbox(Sandbox(), {true, {}})),
            Text(Parse<runtime::v1::PodSandbox>(expected)));
  EXPECT_EQ(ToPodSandbox(Sandbox(), {}).state(), PodSandboxState::SANDBOX_NOTREADY);
}

TEST(Sandbox, Status) {
  EXPECT_EQ(Text(ToPodSandboxStatus(Sandbox(), {true, {"10.0.0.2", "fd00::2", "10.1.0.2"}})),
            Text(Parse<runtime::v1::PodSandboxStatus>(R"(
        id: "s1" metadata { name: "pod" namespace: "ns" uid: "u" attempt: 3 }
        state: SANDBOX_READY created_at: 100
        network { ip: "10.0.0.2" additional_ips { ip: "fd00::2" } additional_ips { ip: "10.1.0.2" } }
        linux { namespaces { options { pid: CONTAINER ipc: NODE } } }
        labels { key: "l" value: "1" } annotations { key: "a" value: "2" } runtime_handler: "crun")")));
  const auto host = ToPodSandboxStatus(Sandbox(), {false, {}});
  EXPECT_EQ(host.state(), PodSandboxState::SANDBOX_NOTREADY);
  EXPECT_TRUE(host.has_network());
  EXPECT_EQ(host.network().ip(), "");
}

TEST(Sandbox, Info) {
  auto sandbox = Sandbox();
  sandbox.runtime_handler = "quo\"te";
  EXPECT_EQ(json::parse(SandboxInfo(sandbox)), json::parse(R"({
    "pid": 4, "processStatus": "running", "image": "pause:1", "runtimeHandler": "quo\"te",
    "snapshotter": "overlay2",
    "config": {"metadata": {"name": "pod", "namespace": "ns", "uid": "u", "attempt": 3},
               "hostname": "h", "labels": {"l": "1"}, "annotations": {"a": "2"},
               "linux": {"security_context": {"namespace_options": {"pid": "CONTAINER", "ipc": "NODE"}}}}})"));
}

ContainerRecord Container() {
  ContainerRecord container;
  auto& details = container.details;
  details.id = "c1";
  details.created_at = 100;
  details.image_id = kImageId;
  details.state.status = "running";
  details.state.running = true;
  details.state.pid = 5;
  details.state.started_at = 200;
  details.storage_driver = "overlay2";
  container.log_path = "/logs/0.log";
  container.stop_signal = "SIGQUIT";
  container.user = "7:8";
  container.runtime = "runc";
  container.privileged = true;
  container.resources.memory_bytes = 1000;
  container.oom_score_adj = 9;
  container.sandbox_id = "s1";
  container.config = Parse<runtime::v1::ContainerConfig>(R"(
      metadata { name: "app" attempt: 2 } image { image: "r.io/app:1" }
      mounts { host_path: "/h" container_path: "/c" readonly: true }
      labels { key: "l" value: "1" } annotations { key: "a" value: "2" }
      linux { resources { cpu_shares: 5 hugepage_limits { page_size: "2MB" } } })");
  return container;
}

TEST(Container, Row) {
  EXPECT_EQ(Text(ToContainer(Container())), Text(Parse<runtime::v1::Container>(R"(
      id: "c1" pod_sandbox_id: "s1" metadata { name: "app" attempt: 2 } image { image: "r.io/app:1" }
      image_ref: ")" + kImageId + R"(" image_id: ")" + kImageId + R"(" state: CONTAINER_RUNNING
      created_at: 100 labels { key: "l" value: "1" } annotations { key: "a" value: "2" })")));
}

TEST(Container, Status) {
  EXPECT_EQ(Text(ToContainerStatus(Container())), Text(Parse<ContainerStatus>(R"(
      id: "c1" metadata { name: "app" attempt: 2 } state: CONTAINER_RUNNING created_at: 100
      started_at: 200 image { image: "r.io/app:1" } image_ref: ")" + kImageId +
                                                                              R"("
      image_id: ")" + kImageId + R"(" labels { key: "l" value: "1" }
      annotations { key: "a" value: "2" }
      mounts { host_path: "/h" container_path: "/c" readonly: true } log_path: "/logs/0.log"
      resources { linux { memory_limit_in_bytes: 1000 oom_score_adj: 9
                          hugepage_limits { page_size: "2MB" } } }
      stop_signal: SIGNAL_SIGQUIT)")));
}

TEST(Container, Info) {
  auto container = Container();
  auto config = container.config.Get();
  config.clear_mounts();
  config.clear_linux();
  container.config = config;
  auto expected = json::parse(R"({
    "sandboxID": "s1", "pid": 5, "processStatus": "running", "removing": false,
    "snapshotter": "overlay2", "runtimeType": "runc", "privileged": true, "user": "7:8",
    "config": {"metadata": {"name": "app", "attempt": 2}, "image": {"image": "r.io/app:1"},
               "labels": {"l": "1"}, "annotations": {"a": "2"}}})");
  EXPECT_EQ(json::parse(ContainerInfo(container)), expected);
  container.details.state.status = "removing";
  expected["processStatus"] = "removing";
  expected["removing"] = true;
  EXPECT_EQ(json::parse(ContainerInfo(container)), expected);
  // Readable, whatever Docker says.
  container.user = "j\xc3\xb6rg\xff";
  EXPECT_THAT(ContainerInfo(container), testing::HasSubstr("\"j\xc3\xb6rg\xef\xbf\xbd\""));
}

struct End {
  std::string name;
  dockerapi::ContainerState state;
  ContainerState cri;
  std::string reason;
  int exit_code = 0;
  std::int64_t started = 0;
  std::int64_t finished = 0;
  std::string message = {};
};

TEST(Container, StatesAndEnds) {
  const std::vector<End> cases = {
      {"created", {.status = "created", .error = {}}, ContainerState::CONTAINER_CREATED, ""},
      {"running",
       {.status = "running", .running = true, .error = {}, .started_at = 5},
       ContainerState::CONTAINER_RUNNING,
       "",
       0,
       5},
      {"paused",
       {.status = "paused", .running = true, .paused = true, .error = {}, .started_at = 5},
       ContainerState::CONTAINER_RUNNING,
       "",
       0,
       5},
      {"fine",
       {.status = "exited", .error = {}, .started_at = 5, .finished_at = 6},
       ContainerState::CONTAINER_EXITED,
       "Completed",
       0,
       5,
       6},
      {"failed",
       {.status = "exited", .exit_code = 3, .error = "e", .started_at = 5, .finished_at = 6},
       ContainerState::CONTAINER_EXITED,
       "Error",
       3,
       5,
       6,
       "e"},
      {"killed",
       {.status = "exited",
        .oom_killed = true,
        .exit_code = 137,
        .error = {},
        .started_at = 5,
        .finished_at = 6},
       ContainerState::CONTAINER_EXITED,
       "OOMKilled",
       137,
       5,
       6},
      {"a child was killed",
       {.status = "exited", .oom_killed = true, .error = {}, .started_at = 5, .finished_at = 6},
       ContainerState::CONTAINER_EXITED,
       "OOMKilled",
       0,
       5,
       6},
      {"cannot run",
       {.status = "created", .exit_code = 127, .error = "no such file"},
       ContainerState::CONTAINER_EXITED,
       "ContainerCannotRun",
       127,
       100,
       100,
       "no such file"},
      {"dead",
       {.status = "dead", .dead = true, .error = {}, .started_at = 5},
       ContainerState::CONTAINER_EXITED,
       "Completed",
       0,
       5,
       5},
      {"ended before it was noted",
       {.status = "exited", .exit_code = 139, .error = {}, .started_at = 6, .finished_at = 5},
       ContainerState::CONTAINER_EXITED,
       "Error",
       139,
       6,
       6},
      {"removing",
       {.status = "removing", .exit_code = 1, .error = {}, .started_at = 5, .finished_at = 6},
       ContainerState::CONTAINER_EXITED,
       "Error",
       1,
       5,
       6},
      {"removing before it ran",
       {.status = "removing", .error = {}},
       ContainerState::CONTAINER_UNKNOWN,
       ""},
      {"exited without times",
       {.status = "exited", .error = {}, .started_at = 1},
       ContainerState::CONTAINER_EXITED,
       "Completed",
       0,
       1,
       1},
  };
  for (const auto& c : cases) {
    ContainerRecord container;
    container.details.created_at = 100;
    container.details.state = c.state;
    const auto status = ToContainerStatus(container);
    EXPECT_EQ(ContainerStateOf(container), c.cri) << c.name;
    EXPECT_EQ(status.state(), c.cri) << c.name;
    EXPECT_EQ(status.reason(), c.reason) << c.name;
    EXPECT_EQ(status.exit_code(), c.exit_code) << c.name;
    EXPECT_EQ(status.started_at(), c.started) << c.name;
    EXPECT_EQ(status.finished_at(), c.finished) << c.name;
    EXPECT_EQ(status.message(), c.message) << c.name;
  }
}

TEST(Container, UserOfTheRequest) {
  const auto user = [](const std::string& text, std::vector<std::string> groups = {}) {
    ContainerRecord container;
    container.user = text;
    container.group_add = std::move(groups);
    ContainerStatus status;
    FillUser(container, &status);
    return status.has_user() ? Text(status.user()) : "none";
  };
  const auto shown = [](const std::string& text) {
    return Text(Parse<runtime::v1::ContainerUser>(text));
  };
  EXPECT_EQ(user("7:8"), shown("linux { uid: 7 gid: 8 supplemental_groups: 8 }"));
  EXPECT_EQ(user("7:8", {"9", "3", "name"}),
            shown("linux { uid: 7 gid: 8 supplemental_groups: [3, 8, 9] }"));
  for (const std::string text : {"", "7", "me", "me:8", "7:them", "7:", ":8", "7x:8"}) {
    EXPECT_EQ(user(text), "none") << text;
  }
}

TEST(Filter, Sandboxes) {
  SandboxRecord sandbox;
  sandbox.details.id = "abc";
  sandbox.config = Parse<runtime::v1::PodSandboxConfig>(
      R"(labels { key: "a" value: "1" } labels { key: "b" value: "2" })");
  const auto matches = [&](const std::string& filter) {
    return Matches(Parse<runtime::v1::PodSandboxFilter>(filter), sandbox);
  };
  EXPECT_TRUE(matches(""));
  EXPECT_TRUE(matches("id: 'abc'"));
  EXPECT_TRUE(matches("id: 'ab'"));
  EXPECT_FALSE(matches("id: 'bc'"));
  EXPECT_FALSE(matches("id: 'abcd'"));
  EXPECT_TRUE(matches("state { state: SANDBOX_NOTREADY }"));
  EXPECT_FALSE(matches("state { state: SANDBOX_READY }"));
  EXPECT_FALSE(matches("id: 'bc' state { state: SANDBOX_NOTREADY }"));
  EXPECT_TRUE(matches("label_selector { key: 'a' value: '1' }"));
  EXPECT_FALSE(matches("label_selector { key: 'a' value: '2' }"));
  EXPECT_FALSE(matches("label_selector { key: 'c' value: '' }"));
  EXPECT_FALSE(
      matches("label_selector { key: 'a' value: '1' } label_selector { key: 'b' value: '1' }"));
  EXPECT_FALSE(matches("state { state: SANDBOX_NOTREADY } label_selector { key: 'a' value: '2' }"));
  EXPECT_FALSE(matches("state { state: SANDBOX_READY } label_selector { key: 'a' value: '1' }"));
}

TEST(Filter, Containers) {
  ContainerRecord container;
  container.details.id = "abc";
  container.details.state.running = true;
  container.sandbox_id = "def";
  container.config = Parse<runtime::v1::ContainerConfig>(R"(labels { key: "a" value: "1" })");
  const auto matches = [&](const std::string& filter) {
    return Matches(Parse<runtime::v1::ContainerFilter>(filter), container);
  };
  EXPECT_TRUE(matches(""));
  EXPECT_TRUE(matches("id: 'ab' pod_sandbox_id: 'de'"));
  EXPECT_FALSE(matches("id: 'b'"));
  EXPECT_FALSE(matches("pod_sandbox_id: 'ef'"));
  EXPECT_FALSE(matches("id: 'b' pod_sandbox_id: 'de'"));
  EXPECT_TRUE(matches("state { state: CONTAINER_RUNNING }"));
  EXPECT_FALSE(matches("state { state: CONTAINER_CREATED }"));
  EXPECT_FALSE(matches("pod_sandbox_id: 'ef' state { state: CONTAINER_RUNNING }"));
  EXPECT_TRUE(matches("label_selector { key: 'a' value: '1' }"));
  EXPECT_FALSE(matches("label_selector { key: 'a' value: '2' }"));
  EXPECT_FALSE(
      matches("state { state: CONTAINER_RUNNING } label_selector { key: 'a' value: '2' }"));
  EXPECT_FALSE(
      matches("state { state: CONTAINER_CREATED } label_selector { key: 'a' value: '1' }"));
}

}  // namespace
}  // namespace dockershimd::shim::translate
