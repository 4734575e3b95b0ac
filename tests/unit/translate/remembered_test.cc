#include "shim/translate/remembered.h"

#include <gmock/gmock.h>

#include "cases.h"

namespace dockershimd::shim::translate {
namespace {

using runtime::v1::ContainerConfig;
using runtime::v1::PodSandboxConfig;
using namespace testing_support;

dockerapi::ContainerDetails WithConfig(const std::string& value) {
  dockerapi::ContainerDetails details;
  details.spec.labels = {
      {"io.dockershimd.config", value}, {"of-the-image", "x"}, {"annotation.of-the-image", "y"}};
  return details;
}

// An image's labels, which Docker gives its containers too, are not among them.
TEST(Remembered, SandboxComesBackExactly) {
  const auto config = Parse<PodSandboxConfig>(R"(
      metadata { name: "p" namespace: "n" uid: "u" attempt: 1 } hostname: "h" log_directory: "/l"
      dns_config { servers: "1.1.1.1" } port_mappings { container_port: 80 host_port: 1 }
      labels { key: "io.kubernetes.docker.type" value: "mine" }
      labels { key: "annotation.x" value: "a label" }
      annotations { key: "a" value: "2" } linux { cgroup_parent: "/c" })");
  EXPECT_EQ(Text(RecallSandbox(WithConfig(RememberSandbox(config)))), Text(config));
  // By CRI's own names, as whoever reads it with "docker inspect" knows them.
  EXPECT_THAT(RememberSandbox(config), testing::HasSubstr(R"("log_directory":"/l")"));
}

TEST(Remembered, ContainerComesBackWithoutItsEnvironment) {
  auto config = Parse<ContainerConfig>(R"(
      metadata { name: "c" } image { image: "i" } command: "sh" args: "x"
      envs { key: "SECRET" value: "hidden" } labels { key: "l" value: "1" }
      annotations { key: "a" value: "2" } stop_signal: SIGNAL_SIGUSR1
      CDI_devices { name: "v/c=0" } mounts { container_path: "/c" uidMappings { host_id: 5 } })");
  const std::string text = RememberContainer(config);
  EXPECT_THAT(text, testing::Not(testing::HasSubstr("hidden")));
  EXPECT_THAT(text, testing::Not(testing::HasSubstr("SECRET")));
  config.clear_envs();
  EXPECT_EQ(Text(RecallContainer(WithConfig(text))), Text(config));
}

TEST(Remembered, ANewerVersionsFieldsAreIgnored) {
  EXPECT_EQ(RecallSandbox(WithConfig(R"({"metadata": {"name": "p", "new": 1}, "newer": [2]})"))
                .metadata()
                .name(),
            "p");
}

dockerapi::ContainerDetails Foreign(const std::string& name) {
  dockerapi::ContainerDetails details;
  details.name = name;
  details.spec.labels = {{"io.kubernetes.docker.type", "podsandbox"},
                         {"io.kubernetes.container.name", "POD"},
                         {"l", "1"},
                         {"annotation.a", "2"}};
  return details;
}

TEST(Recalled, SandboxOfAFormerRuntime) {
  auto details = Foreign("/k8s_POD_pod_ns_u-1_4");
  details.spec.hostname = "h";
  details.spec.host.cgroup_parent = "/kubepods";
  details.spec.host.network_mode = "none";
  details.spec.host.ipc_mode = "shareable";
  details.spec.host.port_bindings = {
      {80, "tcp", "127.0.0.1", 8080}, {53, "udp", "", 53}, {5, "sctp", "", 5}};
  EXPECT_EQ(Text(RecallSandbox(details)), Text(Parse<PodSandboxConfig>(R"(
      metadata { name: "pod" namespace: "ns" uid: "u-1" attempt: 4 } hostname: "h"
      port_mappings { container_port: 80 host_port: 8080 host_ip: "127.0.0.1" }
      port_mappings { protocol: UDP container_port: 53 host_port: 53 }
      port_mappings { protocol: SCTP container_port: 5 host_port: 5 }
      labels { key: "l" value: "1" } annotations { key: "a" value: "2" }
      linux { cgroup_parent: "/kubepods" security_context { namespace_options { pid: CONTAINER } } })")));
}

TEST(Recalled, HostNamespacesOfASandbox) {
  auto details = Foreign("other");
  details.spec.host.network_mode = "host";
  details.spec.host.ipc_mode = "host";
  details.spec.host.pid_mode = "host";
  const auto config = RecallSandbox(details);
  EXPECT_FALSE(config.has_metadata());
  EXPECT_EQ(Text(config.linux().security_context().namespace_options()),
            Text(Parse<runtime::v1::NamespaceOption>("network: NODE pid: NODE ipc: NODE")));
}

TEST(Recalled, ContainerOfAFormerRuntime) {
  auto details = Foreign("/k8s_app_pod_ns_u-1_4_0123abcd");
  details.spec.labels = {{"io.kubernetes.docker.type", "container"},
                         {"io.kubernetes.container.name", "app"},
                         {"io.kubernetes.sandbox.id", "s"},
                         {"annotation.a", "2"}};
  details.spec.image = "r.io/app:1";
  details.spec.working_dir = "/w";
  details.spec.tty = true;
  details.spec.open_stdin = true;
  details.spec.stdin_once = true;
  details.spec.host.privileged = true;
  details.spec.host.read_only_rootfs = true;
  details.spec.host.network_mode = "container:s";
  details.spec.host.ipc_mode = "container:s";
  details.mounts = {{"bind", "/a", "/1", "rprivate", true},
                    {"bind", "/b", "/2", "rslave", false},
                    {"bind", "/c", "/3", "rshared", true},
                    {"volume", "/d", "/4", "", true}};
  EXPECT_EQ(Text(RecallContainer(details)), Text(Parse<ContainerConfig>(R"(
      metadata { name: "app" attempt: 4 } image { image: "r.io/app:1" } working_dir: "/w"
      mounts { host_path: "/a" container_path: "/1" }
      mounts { host_path: "/b" container_path: "/2" readonly: true propagation: PROPAGATION_HOST_TO_CONTAINER }
      mounts { host_path: "/c" container_path: "/3" propagation: PROPAGATION_BIDIRECTIONAL }
      labels { key: "io.kubernetes.container.name" value: "app" }
      annotations { key: "a" value: "2" } stdin: true stdin_once: true tty: true
      linux { security_context { privileged: true readonly_rootfs: true
                                 namespace_options { pid: CONTAINER } } })")));
}

TEST(Recalled, PidNamespacesOfAContainer) {
  const auto pid = [](const std::string& mode) {
    auto details = Foreign("x");
    details.spec.host.pid_mode = mode;
    return RecallContainer(details).linux().security_context().namespace_options().pid();
  };
  EXPECT_EQ(pid("host"), runtime::v1::NamespaceMode::NODE);
  EXPECT_EQ(pid("container:s"), runtime::v1::NamespaceMode::POD);
  EXPECT_EQ(pid(""), runtime::v1::NamespaceMode::CONTAINER);
}

TEST(Recalled, ABrokenLabelCountsAsNone) {
  auto details = Foreign("/k8s_POD_pod_ns_u_1");
  details.spec.labels["io.dockershimd.config"] = "{broken";
  EXPECT_EQ(RecallSandbox(details).metadata().name(), "pod");
}

}  // namespace
}  // namespace dockershimd::shim::translate
