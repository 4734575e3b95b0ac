#include "shim/translate/records.h"

#include <gmock/gmock.h>

#include "cases.h"
#include "shim/translate/bandwidth.h"
#include "shim/translate/labels.h"
#include "shim/translate/names.h"

namespace dockershimd::shim::translate {
namespace {

using base::Code;
using testing::HasSubstr;
using testing::Pair;
using testing::UnorderedElementsAre;
using namespace testing_support;

TEST(Records, BySort) {
  dockerapi::ContainerDetails details;
  details.id = "x";
  EXPECT_TRUE(std::holds_alternative<std::monostate>(RecordOf(details)));
  details.spec.labels["io.kubernetes.docker.type"] = "other";
  EXPECT_TRUE(std::holds_alternative<std::monostate>(RecordOf(details)));

  details.spec.labels = {{"io.kubernetes.docker.type", "podsandbox"},
                         {"io.dockershimd.runtime-handler", "crun"},
                         {"io.dockershimd.config", R"({"hostname": "h"})"}};
  auto record = RecordOf(details);
  const auto* sandbox = std::get_if<SandboxRecord>(&record);
  ASSERT_TRUE(sandbox);
  EXPECT_EQ(sandbox->details.id, "x");
  EXPECT_EQ(sandbox->config.Get().hostname(), "h");
  EXPECT_EQ(sandbox->runtime_handler, "crun");

  details.spec.labels = {{"io.kubernetes.docker.type", "container"},
                         {"io.kubernetes.sandbox.id", "s"},
                         {"io.dockershimd.config", R"({"log_path": "l"})"}};
  record = RecordOf(details);
  const auto* container = std::get_if<ContainerRecord>(&record);
  ASSERT_TRUE(container);
  EXPECT_EQ(container->details.id, "x");
  EXPECT_EQ(container->config.Get().log_path(), "l");
  EXPECT_EQ(container->sandbox_id, "s");
}

TEST(Records, WhatDockerSaysOfASandbox) {
  dockerapi::ContainerDetails details;
  details.image_id = "sha256:1";
  details.storage_driver = "overlay2";
  details.resolv_conf_path = "/resolv.conf";
  details.networks["bridge"].ip_address = "192.0.2.7";
  details.networks["bridge"].global_ipv6_address = "2001:db8::7";
  details.spec.image = "pause:1";
  details.spec.labels = {{"io.kubernetes.docker.type", "podsandbox"}};
  details.spec.host.network_mode = "bridge";
  details.spec.host.cgroup_parent = "/kubepods";
  const auto sandbox = std::get<SandboxRecord>(RecordOf(details));
  EXPECT_EQ(sandbox.details.image_id, "sha256:1");
  EXPECT_EQ(sandbox.details.image, "pause:1");
  EXPECT_EQ(sandbox.details.storage_driver, "overlay2");
  EXPECT_EQ(sandbox.resolv_conf_path, "/resolv.conf");
  EXPECT_EQ(sandbox.network_mode, "bridge");
  EXPECT_EQ(sandbox.cgroup_parent, "/kubepods");
  EXPECT_THAT(sandbox.docker_addresses, testing::ElementsAre("192.0.2.7", "2001:db8::7"));
}

TEST(Records, WhatDockerSaysOfAContainer) {
  dockerapi::ContainerDetails details;
  details.log_path = "/docker.log";
  details.graph_driver_data = {{"UpperDir", "/upper"}, {"LowerDir", "/lower"}};
  auto& spec = details.spec;
  spec.labels = {{"io.kubernetes.docker.type", "container"},
                 {"io.kubernetes.container.logpath", "/cri.log"}};
  spec.user = "1:2";
  spec.stop_signal = "SIGQUIT";
  spec.tty = spec.stdin_once = true;
  spec.host.log_driver = "json-file";
  spec.host.runtime = "runc";
  spec.host.group_add = {"3"};
  spec.host.resources.memory_bytes = 4;
  spec.host.oom_score_adj = 5;
  spec.host.privileged = true;
  const auto container = std::get<ContainerRecord>(RecordOf(details));
  EXPECT_EQ(container.log_path, "/cri.log");
  EXPECT_EQ(container.docker_log_path, "/docker.log");
  EXPECT_EQ(container.log_driver, "json-file");
  EXPECT_EQ(container.runtime, "runc");
  EXPECT_EQ(container.user, "1:2");
  EXPECT_THAT(container.group_add, testing::ElementsAre("3"));
  EXPECT_EQ(container.stop_signal, "SIGQUIT");
  EXPECT_EQ(container.upper_dir, "/upper");
  EXPECT_EQ(container.resources.memory_bytes, 4);
  EXPECT_EQ(container.oom_score_adj, 5);
  EXPECT_TRUE(container.privileged && container.tty && container.stdin_once);
  EXPECT_FALSE(container.open_stdin);
}

TEST(Records, RowsOfTheLists) {
  dockerapi::ContainerDetails details;
  details.id = "x";
  details.spec.labels = {{"io.kubernetes.docker.type", "container"},
                         {"io.kubernetes.sandbox.id", "s"},
                         {"io.dockershimd.config", R"({"metadata": {"name": "app"}})"}};
  auto record = RecordOf(details);
  runtime::v1::Container row;
  ASSERT_TRUE(row.ParseFromString(std::get<ContainerRecord>(record).row));
  EXPECT_EQ(row.id(), "x");
  EXPECT_EQ(row.metadata().name(), "app");

  details.state.running = true;
  details.spec.labels = {{"io.kubernetes.docker.type", "podsandbox"},
                         {"io.dockershimd.config", R"({"metadata": {"name": "pod"}})"}};
  record = RecordOf(details);
  auto& sandbox = std::get<SandboxRecord>(record);
  EXPECT_EQ(sandbox.row, "");
  SetNetwork({true, {"192.0.2.7"}}, &sandbox);
  EXPECT_THAT(sandbox.network.ips, testing::ElementsAre("192.0.2.7"));
  runtime::v1::PodSandbox pod;
  ASSERT_TRUE(pod.ParseFromString(sandbox.row));
  EXPECT_EQ(pod.metadata().name(), "pod");
  EXPECT_EQ(pod.state(), runtime::v1::PodSandboxState::SANDBOX_READY);
}

dockerapi::ContainerDetails FromState(const std::string& state, const std::string& status) {
  return DetailsFromSummary({.id = "c",
                             .names = {"/n", "/m"},
                             .image = "i",
                             .image_id = "sha256:i",
                             .created_seconds = 7,
                             .state = state,
                             .status = status,
                             .labels = {{"l", "1"}}});
}

TEST(DetailsFromSummary, WhatAListSays) {
  const auto running = FromState("running", "Up 3 minutes (healthy)");
  EXPECT_EQ(running.id, "c");
  EXPECT_EQ(running.name, "/n");
  EXPECT_EQ(running.created_at, 7'000'000'000);
  EXPECT_EQ(running.image_id, "sha256:i");
  EXPECT_EQ(running.spec.image, "i");
  EXPECT_THAT(running.spec.labels, UnorderedElementsAre(Pair("l", "1")));
  EXPECT_EQ(running.state.status, "running");
  EXPECT_TRUE(running.state.running);
  EXPECT_FALSE(running.state.dead);
  EXPECT_EQ(running.state.exit_code, 0);
  EXPECT_EQ(running.state.finished_at, 0);
  EXPECT_TRUE(FromState("paused", "").state.running);
  EXPECT_FALSE(FromState("created", "Created").state.running);
  EXPECT_EQ(DetailsFromSummary(dockerapi::ContainerSummary()).name, "");
}

TEST(DetailsFromSummary, Ends) {
  const auto exited = FromState("exited", "Exited (137) 3 minutes ago");
  EXPECT_FALSE(exited.state.running);
  EXPECT_EQ(exited.state.exit_code, 137);
  EXPECT_EQ(exited.state.started_at, 7'000'000'000);
  EXPECT_EQ(exited.state.finished_at, 7'000'000'000);
  EXPECT_EQ(FromState("exited", "Exited (0) 1 second ago").state.exit_code, 0);
  EXPECT_EQ(FromState("exited", "").state.exit_code, 255);
  EXPECT_EQ(FromState("exited", "3 minutes ago").state.exit_code, 255);
  EXPECT_EQ(FromState("exited", "Exited (x)").state.exit_code, 255);
  const auto dead = FromState("dead", "Dead");
  EXPECT_TRUE(dead.state.dead);
  EXPECT_EQ(dead.state.exit_code, 255);
  EXPECT_EQ(dead.state.finished_at, 7'000'000'000);
}

TEST(Names, ThereAndBack) {
  const auto pod =
      Parse<runtime::v1::PodSandboxMetadata>("name: 'pod.x' namespace: 'ns' uid: 'u-1' attempt: 3");
  EXPECT_EQ(SandboxName(pod), "k8s_POD_pod.x_ns_u-1_3");
  const auto container = Parse<runtime::v1::ContainerMetadata>("name: 'app' attempt: 5");
  EXPECT_EQ(ContainerName(pod, container), "k8s_app_pod.x_ns_u-1_5");
  EXPECT_EQ(Describe(pod), "ns/pod.x");
  EXPECT_EQ(Describe(pod, "app"), "ns/pod.x/app");
  for (const std::string name : {"k8s_app_pod.x_ns_u-1_5", "/k8s_app_pod.x_ns_u-1_5_0123abcd"}) {
    const auto parsed = ParseName(name);
    ASSERT_TRUE(parsed) << name;
    EXPECT_EQ(parsed->container, "app");
    EXPECT_EQ(parsed->pod, "pod.x");
    EXPECT_EQ(parsed->pod_namespace, "ns");
    EXPECT_EQ(parsed->uid, "u-1");
    EXPECT_EQ(parsed->attempt, 5U);
  }
  for (const std::string name :
       {"", "web", "k8s_a_b_c_d", "k8s_a_b_c_d_1_2_3", "x8s_a_b_c_d_1", "k8s_a_b_c_d_x",
        "k8s_a_b_c_d_1x", "k8s_a_b_c_d_", "k8s_a_b_c_d_99999999999", "//k8s_a_b_c_d_1"}) {
    EXPECT_FALSE(ParseName(name)) << name;
  }
}

StringMap Map(const std::map<std::string, std::string>& entries) {
  return StringMap(entries.begin(), entries.end());
}

TEST(Labels, ToDocker) {
  EXPECT_THAT(ToDockerLabels(Map({{"a", "1"},
                                  {"io.kubernetes.docker.type", "x"},
                                  {"io.kubernetes.sandbox.id", "x"},
                                  {"io.kubernetes.container.logpath", "x"},
                                  {"io.dockershimd.anything", "x"}}),
                             Map({{"b", "2"}})),
              UnorderedElementsAre(Pair("a", "1"), Pair("annotation.b", "2")));
}

TEST(Labels, FromDocker) {
  const dockerapi::Labels docker = {{"a", "1"},
                                    {"annotation.b", "2"},
                                    {"io.kubernetes.docker.type", "x"},
                                    {"io.kubernetes.sandbox.id", "x"},
                                    {"io.kubernetes.container.logpath", "x"},
                                    {"io.dockershimd.anything", "x"},
                                    {"io.kubernetes.container.name", "POD"}};
  StringMap labels;
  StringMap annotations;
  FromDockerLabels(docker, true, &labels, &annotations);
  EXPECT_THAT(labels, UnorderedElementsAre(Pair("a", "1")));
  EXPECT_THAT(annotations, UnorderedElementsAre(Pair("b", "2")));
  FromDockerLabels(docker, false, &labels, &annotations);
  EXPECT_THAT(labels,
              UnorderedElementsAre(Pair("a", "1"), Pair("io.kubernetes.container.name", "POD")));
  EXPECT_EQ(LabelOr(docker, "a"), "1");
  EXPECT_EQ(LabelOr(docker, "none"), "");
}

TEST(Bandwidth, Quantities) {
  const auto rate = [](const std::string& text) -> std::int64_t {
    const auto bandwidth = BandwidthOf(Map({{"kubernetes.io/ingress-bandwidth", text}}));
    if (!bandwidth) {
      EXPECT_EQ(bandwidth.error().code, Code::kInvalidArgument);
      EXPECT_THAT(bandwidth.error().message,
                  HasSubstr("annotations[kubernetes.io/ingress-bandwidth]: '" + text + "'"));
      return -1;
    }
    EXPECT_EQ(bandwidth->egress_rate, 0U);
    EXPECT_EQ(bandwidth->egress_burst, 0U);
    EXPECT_EQ(bandwidth->ingress_burst, 0x7fffffffU);
    return static_cast<std::int64_t>(bandwidth->ingress_rate);
  };
  EXPECT_EQ(rate("1000"), 1000);
  EXPECT_EQ(rate("1k"), 1000);
  EXPECT_EQ(rate("1Ki"), 1024);
  EXPECT_EQ(rate("10M"), 10'000'000);
  EXPECT_EQ(rate("1.5Mi"), 1'572'864);
  EXPECT_EQ(rate("2G"), 2'000'000'000);
  EXPECT_EQ(rate("1Gi"), 1'073'741'824);
  EXPECT_EQ(rate("1T"), 1'000'000'000'000);
  EXPECT_EQ(rate("1P"), 1'000'000'000'000'000);
  EXPECT_EQ(rate("2000000m"), 2000);
  EXPECT_EQ(rate("1e6"), 1'000'000);
  for (const std::string text :
       {"",        "x",     "999",    "2P",     "1E",      "1Pi",         "-1M",
        "1K",      "1ki",   "1Mx",    "1MiB",   "inf",     "nan",         "1 M",
        "999999m", "5000x", "5000Mx", "5000ki", "5000MiB", "0.000000001_"}) {
    EXPECT_EQ(rate(text), -1) << text;
  }
}

TEST(Bandwidth, BothWays) {
  const auto none = BandwidthOf({});
  ASSERT_TRUE(none);
  EXPECT_EQ(none->ingress_rate + none->ingress_burst + none->egress_rate + none->egress_burst, 0U);
  const auto egress = BandwidthOf(Map({{"kubernetes.io/egress-bandwidth", "5k"}}));
  ASSERT_TRUE(egress);
  EXPECT_EQ(egress->egress_rate, 5000U);
  EXPECT_EQ(egress->egress_burst, 0x7fffffffU);
  EXPECT_EQ(egress->ingress_rate + egress->ingress_burst, 0U);
  EXPECT_FALSE(BandwidthOf(Map({{"kubernetes.io/egress-bandwidth", "x"}})));
}

}  // namespace
}  // namespace dockershimd::shim::translate
