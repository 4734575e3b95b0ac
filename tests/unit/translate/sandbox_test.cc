#include "shim/translate/sandbox.h"

#include <gmock/gmock.h>

#include "cases.h"

namespace dockershimd::shim::translate {
namespace {

using base::Code;
using base::Result;
using nlohmann::json;
using runtime::v1::PodSandboxConfig;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;
using testing::UnorderedElementsAre;
using namespace testing_support;

const std::string kMinimal = R"(metadata { name: "pod" namespace: "ns" uid: "u1" attempt: 2 } )";

struct Options {
  EngineView engine = NewEngine();
  NetworkMode network = NetworkMode::kCni;
  std::string handler = {};
};

Result<dockerapi::ContainerSpec> Spec(const std::string& text, const Options& options = {}) {
  return SandboxSpec(
      Parse<PodSandboxConfig>(kMinimal + text), options.handler, "pause:1", options.network,
      options.engine,
      [](const std::string& path) -> Result<std::string> { return "{" + path + "}"; });
}

json Minimal() {
  return json::parse(R"({
    "Image": "pause:1",
    "Healthcheck": {"Test": ["NONE"]},
    "HostConfig": {
      "RestartPolicy": {"Name": "no"},
      "NetworkMode": "none", "IpcMode": "shareable",
      "CpuShares": 2, "OomScoreAdj": -998, "ReadonlyRootfs": true,
      "LogConfig": {"Type": "none", "Config": {}},
      "SecurityOpt": ["no-new-privileges", "seccomp=unconfined"]
    }})");
}

void ExpectBodies(const std::vector<Row>& rows, const Options& options = {}) {
  for (const auto& row : rows) {
    const auto spec = Spec(row.config, options);
    ASSERT_TRUE(spec) << row.config << ": " << spec.error().message;
    auto expected = Minimal();
    expected.merge_patch(json::parse(row.patch));
    EXPECT_EQ(BodyOf(*spec), expected) << row.config;
  }
}

TEST(Sandbox, Honoured) {
  ExpectBodies({
      {"", "{}"},
      {R"(hostname: "web-1")", R"({"Hostname": "web-1"})"},
      {R"(linux { cgroup_parent: "/kubepods/pod1" })",
       R"({"HostConfig": {"CgroupParent": "/kubepods/pod1"}})"},
      {R"(linux { sysctls { key: "net.core.somaxconn" value: "9" } })",
       R"({"HostConfig": {"Sysctls": {"net.core.somaxconn": "9"}}})"},
      // Published by the network plugins, not by Docker.
      {"port_mappings { container_port: 80 host_port: 8080 }", "{}"},
      // A pod's annotations are for nobody below us.
      {R"(annotations { key: "run.oci.hooks.stdout" value: "/etc/x" })", "{}"},
  });
}

std::string Security(const std::string& text) {
  return "linux { security_context { " + text + " } }";
}

TEST(Sandbox, SecurityHonoured) {
  const std::vector<std::pair<std::string, std::string>> rows = {
      {"namespace_options { ipc: NODE }", R"({"HostConfig": {"IpcMode": "host"}})"},
      {"namespace_options { ipc: CONTAINER }", "{}"},
      {"namespace_options { pid: NODE }", R"({"HostConfig": {"PidMode": "host"}})"},
      {"namespace_options { pid: CONTAINER }", "{}"},
      {"run_as_user { value: 7 } run_as_group { value: 8 } supplemental_groups: [3, 4]",
       R"({"User": "7:8", "HostConfig": {"GroupAdd": ["3", "4"]}})"},
      {"run_as_user { value: 7 } supplemental_groups_policy: Strict", R"({"User": "7"})"},
      {"readonly_rootfs: false", "{}"},
      {"selinux_options { type: 't' }",
       R"({"HostConfig": {"SecurityOpt": ["no-new-privileges", "label=type:t", "seccomp=unconfined"]}})"},
      {"seccomp { profile_type: RuntimeDefault }",
       R"({"HostConfig": {"SecurityOpt": ["no-new-privileges"]}})"},
      {"seccomp_profile_path: 'localhost//p'",
       R"({"HostConfig": {"SecurityOpt": ["no-new-privileges", "seccomp={/p}"]}})"},
      {"apparmor { profile_type: Localhost localhost_ref: 'mine' }",
       R"({"HostConfig": {"SecurityOpt": ["no-new-privileges", "seccomp=unconfined", "apparmor=mine"]}})"},
      {"privileged: true seccomp { profile_type: RuntimeDefault }",
       R"({"HostConfig": {"Privileged": true}})"},
      {"privileged: true namespace_options { network: NODE }",
       R"({"HostConfig": {"NetworkMode": "host", "UTSMode": "host"}})"},
  };
  for (const auto& [text, patch] : rows) {
    const std::string config = Security(text);
    ExpectBodies({{config.c_str(), patch.c_str()}});
  }
}

TEST(Sandbox, HostNetwork) {
  for (const auto mode : {NetworkMode::kCni, NetworkMode::kDockerBridge}) {
    ExpectBodies({{R"(hostname: "x" port_mappings { container_port: 80 host_port: 80 }
                      linux { security_context { namespace_options { network: NODE } } })",
                   R"({"HostConfig": {"NetworkMode": "host", "UTSMode": "host"}})"}},
                 {.network = mode});
  }
}

TEST(Sandbox, DockersBridgePublishesPorts) {
  ExpectBodies({{R"(port_mappings { container_port: 80 host_port: 8080 host_ip: "127.0.0.1" }
           port_mappings { protocol: UDP container_port: 53 host_port: 5353 }
           port_mappings { protocol: SCTP container_port: 54 host_port: 54 }
           port_mappings { container_port: 99 })",
                 R"({"ExposedPorts": {"80/tcp": {}, "53/udp": {}, "54/sctp": {}},
            "HostConfig": {"NetworkMode": "bridge", "PortBindings": {
              "80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8080"}],
              "53/udp": [{"HostIp": "", "HostPort": "5353"}],
              "54/sctp": [{"HostIp": "", "HostPort": "54"}]}}})"}},
               {.network = NetworkMode::kDockerBridge});
}

TEST(Sandbox, RuntimeHandlers) {
  ExpectBodies({{"", R"({"HostConfig": {"Runtime": "crun"}})"}}, {.handler = "crun"});
  ExpectBodies({{"", "{}"}}, {.handler = "docker"});
  const auto spec = Spec("", {.handler = "kata"});
  ASSERT_FALSE(spec);
  EXPECT_EQ(spec.error().code, Code::kFailedPrecondition);
  EXPECT_THAT(spec.error().message, HasSubstr("runtime_handler"));
}

TEST(Sandbox, ARestrictedHostKeepsItsScore) {
  Options options;
  options.engine.may_lower_oom_score = false;
  options.engine.own_oom_score_adj = -10;
  ExpectBodies({{"", R"({"HostConfig": {"OomScoreAdj": -10}})"}}, options);
}

TEST(Sandbox, Labels) {
  const auto spec = Spec(R"(labels { key: "l" value: "1" } annotations { key: "a" value: "2" })",
                         {.handler = "crun"});
  ASSERT_TRUE(spec);
  EXPECT_THAT(spec->labels, UnorderedElementsAre(Pair("l", "1"), Pair("annotation.a", "2"),
                                                 Pair("io.kubernetes.docker.type", "podsandbox"),
                                                 Pair("io.kubernetes.container.name", "POD"),
                                                 Pair("io.dockershimd.runtime-handler", "crun"),
                                                 Pair("io.dockershimd.config", testing::_)));
  // Set even when empty: the sandbox image must not choose it.
  EXPECT_THAT(Spec("")->labels, testing::Contains(Pair("io.dockershimd.runtime-handler", "")));
}

TEST(Sandbox, Refused) {
  const std::vector<std::tuple<std::string, Code, std::string>> rows = {
      {"run_as_group { value: 1 }", Code::kInvalidArgument, "run_as_group"},
      {"run_as_user { value: -1 }", Code::kInvalidArgument, "run_as_user"},
      {"supplemental_groups: -1", Code::kInvalidArgument, "supplemental_groups"},
      {"run_as_user { value: 1 } run_as_group { value: -1 }", Code::kInvalidArgument,
       "run_as_group"},
      {"supplemental_groups_policy: 4", Code::kInvalidArgument, "supplemental_groups_policy"},
      {"seccomp { profile_type: 9 }", Code::kInvalidArgument,
       "linux.security_context.seccomp.profile"},
      {"apparmor { profile_type: 9 }", Code::kInvalidArgument,
       "linux.security_context.apparmor.profile"},
      {"namespace_options { network: CONTAINER }", Code::kInvalidArgument,
       "namespace_options.network"},
      {"namespace_options { userns_options { mode: POD } }", Code::kUnimplemented,
       "userns_options"},
  };
  for (const auto& [text, code, message] : rows) {
    const auto spec = Spec(Security(text));
    ASSERT_FALSE(spec) << text;
    EXPECT_EQ(spec.error().code, code) << text;
    EXPECT_THAT(spec.error().message, HasSubstr(message)) << text;
  }
}

TEST(Sandbox, Check) {
  const auto message = [](const std::string& text) {
    const auto checked = CheckSandboxConfig(Parse<PodSandboxConfig>(text));
    if (checked) return std::string();
    EXPECT_EQ(checked.error().code, Code::kInvalidArgument) << text;
    return checked.error().message;
  };
  EXPECT_EQ(message(kMinimal), "");
  EXPECT_EQ(message(""), "config.metadata: is required");
  EXPECT_EQ(message("metadata { namespace: 'n' uid: 'u' }"), "config.metadata.name: is required");
  EXPECT_EQ(message("metadata { name: 'p' uid: 'u' }"), "config.metadata.namespace: is required");
  EXPECT_EQ(message("metadata { name: 'p' namespace: 'n' }"), "config.metadata.uid: is required");
  EXPECT_THAT(message(kMinimal + "windows {}"), HasSubstr("config.windows"));
  const auto port = [&](const std::string& text) {
    return message(kMinimal + "port_mappings { " + text + " }");
  };
  EXPECT_EQ(port("container_port: 1"), "");
  EXPECT_EQ(port("container_port: 65535 host_port: 65535"), "");
  EXPECT_THAT(port("container_port: 0"), HasSubstr("port_mappings: 0 -> 0"));
  EXPECT_THAT(port("container_port: 65536"), HasSubstr("port_mappings"));
  EXPECT_THAT(port("container_port: 1 host_port: -1"), HasSubstr("port_mappings: -1 -> 1"));
  EXPECT_THAT(port("container_port: 1 host_port: 65536"), HasSubstr("port_mappings"));
  EXPECT_EQ(port("container_port: 7 protocol: 4"), "port_mappings[7].protocol: unknown value 4");
}

TEST(Sandbox, HostNetworkOrNot) {
  EXPECT_FALSE(UsesHostNetwork(Parse<PodSandboxConfig>("")));
  EXPECT_TRUE(
      UsesHostNetwork(Parse<PodSandboxConfig>(Security("namespace_options { network: NODE }"))));
}

TEST(CgroupParent, BothDrivers) {
  auto engine = NewEngine();
  EXPECT_EQ(CgroupParent("/kubepods/burstable/pod1", engine), "/kubepods/burstable/pod1");
  engine.features.systemd_cgroups = true;
  EXPECT_EQ(CgroupParent("/kubepods.slice/kubepods-pod1.slice", engine), "kubepods-pod1.slice");
  EXPECT_EQ(CgroupParent("/kubepods.slice/kubepods-pod1.slice/", engine), "kubepods-pod1.slice");
  EXPECT_EQ(CgroupParent("/kubepods.slice/kubepods-pod1.slice//", engine), "kubepods-pod1.slice");
  EXPECT_EQ(CgroupParent("kubepods-pod1.slice", engine), "kubepods-pod1.slice");
  EXPECT_EQ(CgroupParent("", engine), "");
}

TEST(NetworkRequest, Everything) {
  const auto config = Parse<PodSandboxConfig>(kMinimal + R"(
      port_mappings { protocol: UDP container_port: 53 host_port: 5353 host_ip: "::1" }
      port_mappings { container_port: 80 }
      dns_config { servers: "1.1.1.1" searches: "a.b" options: "ndots:5" }
      annotations { key: "k" value: "v" }
      linux { cgroup_parent: "/kubepods/pod1" })");
  const auto request = NetworkRequest(config, "id1", "/proc/5/ns/net");
  EXPECT_EQ(request.pod.sandbox_id, "id1");
  EXPECT_EQ(request.pod.name, "pod");
  EXPECT_EQ(request.pod.pod_namespace, "ns");
  EXPECT_EQ(request.pod.uid, "u1");
  EXPECT_EQ(request.netns_path, "/proc/5/ns/net");
  ASSERT_EQ(request.ports.size(), 1U);
  EXPECT_EQ(request.ports[0].protocol, "udp");
  EXPECT_EQ(request.ports[0].container_port, 53);
  EXPECT_EQ(request.ports[0].host_port, 5353);
  EXPECT_EQ(request.ports[0].host_ip, "::1");
  EXPECT_THAT(request.dns.servers, ElementsAre("1.1.1.1"));
  EXPECT_THAT(request.dns.searches, ElementsAre("a.b"));
  EXPECT_THAT(request.dns.options, ElementsAre("ndots:5"));
  EXPECT_EQ(request.cgroup_path, "/kubepods/pod1");
  EXPECT_THAT(request.annotations, ElementsAre(Pair("k", "v")));
  EXPECT_TRUE(request.allow_ipv6);
}

TEST(NetworkRequest, Ipv6UnlessThePodForbidsIt) {
  const auto allows = [](const std::string& key, const std::string& value) {
    auto config = Parse<PodSandboxConfig>(kMinimal);
    (*config.mutable_linux()->mutable_sysctls())[key] = value;
    return NetworkRequest(config, "id1", "").allow_ipv6;
  };
  EXPECT_FALSE(allows("net.ipv6.conf.all.disable_ipv6", "1"));
  EXPECT_FALSE(allows("net.ipv6.conf.lo.disable_ipv6", "1"));
  EXPECT_TRUE(allows("net.ipv6.conf.all.disable_ipv6", "0"));
  EXPECT_TRUE(allows("net.ipv6.conf.all.forwarding", "1"));
  EXPECT_TRUE(allows("net.ipv4.conf.all.disable_ipv6", "1"));
}

TEST(ResolvConf, Lines) {
  EXPECT_EQ(ResolvConf({}), "");
  EXPECT_EQ(ResolvConf(Parse<runtime::v1::DNSConfig>(R"(
      servers: "1.1.1.1" servers: "::1" searches: "a" searches: "b" options: "ndots:5" options: "edns0")")),
            "search a b\nnameserver 1.1.1.1\nnameserver ::1\noptions ndots:5 edns0\n");
  const std::pair<const char*, const char*> kAlone[] = {
      {"servers: '9.9.9.9'", "nameserver 9.9.9.9\n"},
      {"searches: 'a'", "search a\n"},
      {"options: 'edns0'", "options edns0\n"},
  };
  for (const auto& [dns, line] : kAlone) {
    EXPECT_EQ(ResolvConf(Parse<runtime::v1::DNSConfig>(dns)), line);
  }
}

}  // namespace
}  // namespace dockershimd::shim::translate
