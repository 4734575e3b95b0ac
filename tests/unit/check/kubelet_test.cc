#include "shim/check/kubelet.h"

#include <gtest/gtest.h>

#include "temporary_folder.h"

namespace dockershimd::shim::check {
namespace {

using testsupport::TemporaryFolder;

constexpr const char* kOurs = "unix:///run/dockershimd.sock";

TEST(ConfigValue, YamlAndJson) {
  EXPECT_EQ(ConfigValue("a: b\ncgroupDriver: systemd\n", "cgroupDriver"), "systemd");
  EXPECT_EQ(ConfigValue("cgroupDriver: \"systemd\" # why\n", "cgroupDriver"), "systemd");
  EXPECT_EQ(ConfigValue(R"({"a": 1, "cgroupDriver": "systemd"})", "cgroupDriver"), "systemd");
  EXPECT_EQ(ConfigValue(R"({"cgroupDriver" :"systemd","b":2})", "cgroupDriver"), "systemd");
  EXPECT_EQ(ConfigValue("containerRuntimeEndpoint: \"\"\n", "containerRuntimeEndpoint"), "");
}

TEST(ConfigValue, OnlyTheKeyItself) {
  EXPECT_EQ(ConfigValue("# cgroupDriver: systemd\nother:\n  cgroupDriver: x\n", "cgroupDriver"),
            "");
  EXPECT_EQ(ConfigValue("cgroupDriverX: systemd\n", "cgroupDriver"), "");
  EXPECT_EQ(ConfigValue("cgroupDriver", "cgroupDriver"), "");
  EXPECT_EQ(ConfigValue("", "cgroupDriver"), "");
}

TEST(FindKubelet, None) { EXPECT_FALSE(FindKubelet(TemporaryFolder().Path())); }

TEST(FindKubelet, FilesOfKubeadm) {
  const TemporaryFolder root;
  root.Write("var/lib/kubelet/config.yaml",
             "cgroupDriver: systemd\ncontainerRuntimeEndpoint: \"\"\n");
  root.Write("var/lib/kubelet/kubeadm-flags.env",
             "KUBELET_KUBEADM_ARGS=\"--container-runtime-endpoint=unix:///run/cri-dockerd.sock "
             "--max-pods=3\"\n");
  const auto kubelet = FindKubelet(root.Path());
  ASSERT_TRUE(kubelet);
  EXPECT_EQ(kubelet->endpoint.value, "unix:///run/cri-dockerd.sock");
  EXPECT_EQ(kubelet->endpoint.source, "/var/lib/kubelet/kubeadm-flags.env");
  EXPECT_EQ(kubelet->cgroup_driver.value, "systemd");
  EXPECT_EQ(kubelet->cgroup_driver.source, "/var/lib/kubelet/config.yaml");
}

TEST(FindKubelet, TheOneThatRuns) {
  const TemporaryFolder root;
  root.Write("proc/12/comm", "bash\n");
  root.Write("proc/34/comm", "kubelet\n");
  using namespace std::string_literals;
  root.Write("proc/34/cmdline",
             "/usr/bin/kubelet\0--config\0/etc/kubelet.json\0--cgroup-driver=x\0"s);
  root.Write("etc/kubelet.json", R"({"containerRuntimeEndpoint": "unix:///run/x.sock"})");
  const auto kubelet = FindKubelet(root.Path());
  ASSERT_TRUE(kubelet);
  EXPECT_EQ(kubelet->endpoint.value, "unix:///run/x.sock");
  EXPECT_EQ(kubelet->endpoint.source, "/etc/kubelet.json");
  EXPECT_EQ(kubelet->cgroup_driver.value, "x");
  EXPECT_EQ(kubelet->cgroup_driver.source, "kubelet's command line");
}

TEST(JudgeKubelet, NotThere) {
  const auto findings = JudgeKubelet(std::nullopt, "systemd", kOurs);
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0].verdict, Verdict::kOk);
}

TEST(JudgeKubelet, Drivers) {
  const auto verdict = [](const char* kubelet) {
    return JudgeKubelet(KubeletFacts{{kOurs, "f"}, {kubelet, "f"}}, "systemd", kOurs).at(1);
  };
  EXPECT_EQ(verdict("systemd").verdict, Verdict::kOk);
  EXPECT_EQ(verdict("cgroupfs").verdict, Verdict::kWarn);
  EXPECT_EQ(verdict("").verdict, Verdict::kWarn);  // its default is cgroupfs
  EXPECT_NE(verdict("").remedy.find("cgroupDriver: systemd"), std::string::npos);
  EXPECT_EQ(JudgeKubelet(KubeletFacts{{kOurs, "f"}, {}}, "", kOurs).size(), 1U);
}

TEST(JudgeKubelet, SaysWhichProcedureFits) {
  const auto found = [](const char* endpoint) {
    return JudgeKubelet(KubeletFacts{{endpoint, "f"}, {}}, "", kOurs).at(0).found;
  };
  EXPECT_EQ(found(kOurs), "uses this runtime");
  EXPECT_NE(found("unix:///var/run/cri-dockerd.sock").find("node/adopt"), std::string::npos);
  EXPECT_NE(found("").find("node/rollback"), std::string::npos);
}

}  // namespace
}  // namespace dockershimd::shim::check
