// Taking pods down: ours, those of former runtimes, those whose configuration has changed since.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>

#include <fstream>

#include "base/encoding.h"
#include "shim/network/cni_network.h"
#include "stub_plugins.h"

namespace dockershimd::shim::network {
namespace {

using base::Code;
using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class CniTearDownTest : public testing::Test {
 protected:
  CniTearDownTest() { plugins_.Configure({"first", "second"}); }

  void SetUpPod() {
    const auto addresses = network_.SetUp(Patient(), RequestFor());
    ASSERT_TRUE(addresses) << addresses.error().message;
    plugins_.ForgetCalls();
  }

  /// An attachment as a runtime with libcni leaves it.
  void CacheForeign(const std::filesystem::path& folder, const std::string& network,
                    const std::string& interface, const std::string& plugin) const {
    const json config = {
        {"cniVersion", "0.4.0"}, {"name", network}, {"plugins", {{{"type", plugin}}}}};
    const json entry = {
        {"kind", "cniCacheV1"},
        {"containerId", "pod-1"},
        {"config", base::Base64Encode(config.dump())},
        {"ifName", interface},
        {"networkName", network},
        {"netns", "/proc/1/ns/net"},
        {"cniArgs", json::parse(R"([["IgnoreUnknown", "1"], ["K8S_POD_NAME", "old"]])")},
        {"result", {{"cniVersion", "0.4.0"}, {"ips", {{{"address", "10.7.7.7/8"}}}}}}};
    std::filesystem::create_directories(folder);
    const auto file = folder / fmt::format("{}-pod-1-{}", network, interface);
    std::ofstream(file) << entry.dump();
  }

  StubPlugins plugins_;
  CniNetwork network_{plugins_.Options()};
};

TEST_F(CniTearDownTest, RunsThePluginsInReverseWithTheResult) {
  SetUpPod();
  const auto down = network_.TearDown(Patient(), RequestFor());
  ASSERT_TRUE(down) << down.error().message;
  EXPECT_THAT(plugins_.Calls(), ElementsAre("DEL second pod-1", "DEL first pod-1"));
  EXPECT_EQ(plugins_.Input("DEL", "second")["prevResult"]["by"], "second");
  EXPECT_EQ(plugins_.Input("DEL", "first")["prevResult"]["by"], "second");
  EXPECT_EQ(plugins_.Input("DEL", "first")["runtimeConfig"]["portMappings"][0]["hostPort"], 8080);
  EXPECT_THAT(plugins_.Variable("DEL", "first", "CNI_ARGS"), HasSubstr("K8S_POD_NAME=web"));
  EXPECT_EQ(plugins_.CountCached(), 0U);
}

TEST_F(CniTearDownTest, ForgetsThePod) {
  SetUpPod();
  ASSERT_TRUE(network_.TearDown(Patient(), RequestFor()));
  EXPECT_THAT(network_.Addresses("pod-1", "").ips, IsEmpty());
}

TEST_F(CniTearDownTest, ReachesTheNamespaceAfterThePodsProcesses) {
  SetUpPod();
  PodNetworkRequest request;
  request.pod.sandbox_id = "pod-1";
  ASSERT_TRUE(CniNetwork(plugins_.Options()).TearDown(Patient(), request));
  EXPECT_EQ(plugins_.Variable("DEL", "first", "CNI_NETNS"), plugins_.PinOf("pod-1"));
  EXPECT_FALSE(std::filesystem::exists(plugins_.PinOf("pod-1")));
}

TEST_F(CniTearDownTest, NeedsOnlyTheSandboxsIdAndGivesNoStaleNamespace) {
  SetUpPod();
  ASSERT_EQ(::umount2(plugins_.PinOf("pod-1").c_str(), MNT_DETACH), 0) << "as a new boot has it";
  PodNetworkRequest request;
  request.pod.sandbox_id = "pod-1";
  CniNetwork restarted(plugins_.Options());
  ASSERT_TRUE(restarted.TearDown(Patient(), request));
  EXPECT_EQ(plugins_.Variable("DEL", "first", "CNI_NETNS"), "");
  EXPECT_THAT(plugins_.Variable("DEL", "first", "CNI_ARGS"), HasSubstr("K8S_POD_NAME=web"));
}

TEST_F(CniTearDownTest, BeforeVersion040ThereIsNoResultInDel) {
  plugins_.Configure({"first"}, "0.3.1");
  SetUpPod();
  ASSERT_TRUE(network_.TearDown(Patient(), RequestFor()));
  EXPECT_FALSE(plugins_.Input("DEL", "first").contains("prevResult"));
}

TEST_F(CniTearDownTest, UsesTheConfigurationOfThePodNotTheFoldersOfToday) {
  SetUpPod();
  plugins_.Configure({"other"});
  ASSERT_TRUE(network_.TearDown(Patient(), RequestFor()));
  EXPECT_THAT(plugins_.Calls(), ElementsAre("DEL second pod-1", "DEL first pod-1"));
  plugins_.Configure({"first"});
  SetUpPod();
  std::filesystem::remove_all(plugins_.ConfDir());
  ASSERT_TRUE(network_.TearDown(Patient(), RequestFor()));
  EXPECT_THAT(plugins_.Calls(), ElementsAre("DEL first pod-1"));
}

TEST_F(CniTearDownTest, EndsAtAFailureAndCanBeRepeated) {
  SetUpPod();
  plugins_.Fail("DEL", "second", "still in use");
  const auto down = network_.TearDown(Patient(), RequestFor());
  ASSERT_FALSE(down);
  EXPECT_THAT(down.error().message, HasSubstr("second, DEL: still in use"));
  EXPECT_THAT(plugins_.Calls(), ElementsAre("DEL second pod-1"));
  EXPECT_EQ(plugins_.CountCached(), 1U);
  plugins_.Recover("DEL", "second");
  plugins_.ForgetCalls();
  ASSERT_TRUE(network_.TearDown(Patient(), RequestFor()));
  EXPECT_THAT(plugins_.Calls(), ElementsAre("DEL second pod-1", "DEL first pod-1"));
}

TEST_F(CniTearDownTest, APluginThatGivesBackIsNotCutOffByItsCaller) {
  SetUpPod();
  plugins_.On("DEL", "second", "sleep 0.6");
  auto caller = base::CallContext::WithTimeout(std::chrono::milliseconds(200));
  caller.cancelled = [ends = caller.deadline] { return base::CallContext::Clock::now() >= ends; };
  const auto down = network_.TearDown(caller, RequestFor());
  EXPECT_TRUE(down) << down.error().message;
  EXPECT_THAT(plugins_.Calls(), ElementsAre("DEL second pod-1", "DEL first pod-1"));
}

TEST_F(CniTearDownTest, APluginThatHangsIsEndedByItsOwnTimeout) {
  SetUpPod();
  plugins_.On("DEL", "second", "sleep 100");
  auto options = plugins_.Options();
  options.plugin_timeout = std::chrono::seconds(1);
  const auto down = CniNetwork(options).TearDown(Patient(), RequestFor());
  ASSERT_FALSE(down);
  EXPECT_EQ(down.error().code, Code::kDeadlineExceeded);
  EXPECT_THAT(down.error().message, HasSubstr("CNI plugin second, DEL"));
  EXPECT_EQ(plugins_.CountCached(), 1U);
}

TEST_F(CniTearDownTest, APodThatWasNeverSetUpIsFine) {
  auto request = RequestFor();
  request.netns_path = "";
  EXPECT_TRUE(network_.TearDown(Patient(), request));
  EXPECT_THAT(plugins_.Calls(), IsEmpty());
}

TEST_F(CniTearDownTest, ARunningPodOfWhichNothingIsCachedIsDeletedByTodaysConfiguration) {
  ASSERT_TRUE(network_.TearDown(Patient(), RequestFor()));
  EXPECT_THAT(plugins_.Calls(), ElementsAre("DEL second pod-1", "DEL first pod-1"));
  EXPECT_EQ(plugins_.Input("DEL", "first")["runtimeConfig"]["portMappings"][0]["hostPort"], 8080);
  EXPECT_FALSE(plugins_.Input("DEL", "first").contains("prevResult"));
}

TEST_F(CniTearDownTest, AnUncachedPodIsNotHeldByANetworkThatIsNotThere) {
  plugins_.Uninstall("first");
  EXPECT_TRUE(network_.TearDown(Patient(), RequestFor()));
  std::filesystem::remove_all(plugins_.ConfDir());
  EXPECT_TRUE(network_.TearDown(Patient(), RequestFor()));
  EXPECT_THAT(plugins_.Calls(), IsEmpty());
}

TEST_F(CniTearDownTest, AFormerRuntimesPodIsAdopted) {
  plugins_.Install("calico");
  CacheForeign(plugins_.CacheDir() / "cache" / "results", "k8s", "eth0", "calico");
  CacheForeign(plugins_.CacheDir() / "cache" / "results", "cni-loopback", "lo", "loopback");
  EXPECT_THAT(network_.Addresses("pod-1", "").ips, ElementsAre("10.7.7.7"));
  const auto down = network_.TearDown(Patient(), RequestFor());
  ASSERT_TRUE(down) << down.error().message;
  EXPECT_THAT(plugins_.Calls(), ElementsAre("DEL calico pod-1"));
  EXPECT_EQ(plugins_.Variable("DEL", "calico", "CNI_NETNS"), "/proc/self/ns/net");
  EXPECT_THAT(plugins_.Variable("DEL", "calico", "CNI_ARGS"), HasSubstr("K8S_POD_NAME=old"));
  EXPECT_EQ(plugins_.Input("DEL", "calico")["prevResult"]["ips"][0]["address"], "10.7.7.7/8");
  EXPECT_TRUE(std::filesystem::is_empty(plugins_.CacheDir() / "cache" / "results"));
}

TEST_F(CniTearDownTest, ANamespaceOfAFormerRuntimesPodIsKeptUntilItIsTakenDown) {
  plugins_.Install("calico");
  CacheForeign(plugins_.CacheDir() / "results", "k8s", "eth0", "calico");
  ASSERT_TRUE(network_.KeepNamespace(Patient(), "pod-1", "/proc/self/ns/net"));
  EXPECT_TRUE(network_.KeepsNamespace("pod-1"));
  ASSERT_TRUE(network_.KeepNamespace(Patient(), "pod-1", "/proc/self/ns/net")) << "a second time";
  auto ended = RequestFor();
  ended.netns_path = "";
  ASSERT_TRUE(network_.TearDown(Patient(), ended));
  EXPECT_EQ(plugins_.Variable("DEL", "calico", "CNI_NETNS"), plugins_.PinOf("pod-1"));
  EXPECT_FALSE(network_.KeepsNamespace("pod-1"));
}

TEST_F(CniTearDownTest, OnlyANamespaceThatPluginsWillNeedIsKept) {
  EXPECT_TRUE(network_.KeepNamespace(Patient(), "pod-1", "/proc/self/ns/net"));
  EXPECT_FALSE(network_.KeepsNamespace("pod-1")) << "nothing is cached";
  CacheForeign(plugins_.CacheDir() / "results", "k8s", "eth0", "calico");
  EXPECT_TRUE(network_.KeepNamespace(Patient(), "pod-1", ""));
  EXPECT_FALSE(network_.KeepsNamespace("pod-1")) << "it has ended";
  EXPECT_FALSE(network_.KeepNamespace(Patient(), "pod-1", "/proc/self/none"));
  EXPECT_FALSE(network_.KeepsNamespace("pod-1"));
}

TEST_F(CniTearDownTest, WhatAPluginCachedForItselfIsLeftToIt) {
  SetUpPod();
  CacheForeign(plugins_.CacheDir() / "results", "delegate", "eth0", "delegate");
  CacheForeign(plugins_.CacheDir() / "results", "delegate", "net1", "delegate");
  EXPECT_THAT(CniNetwork(plugins_.Options()).Addresses("pod-1", "").ips, ElementsAre("10.1.2.3"));
  ASSERT_TRUE(network_.TearDown(Patient(), RequestFor()));
  EXPECT_THAT(plugins_.Calls(), ElementsAre("DEL second pod-1", "DEL first pod-1"));
  EXPECT_EQ(plugins_.CountCached(), 2U);
}

TEST_F(CniTearDownTest, OfAFormerRuntimesAttachmentsThatOfTheNetworkCounts) {
  CacheForeign(plugins_.CacheDir() / "results", "delegate", "eth0", "delegate");
  CacheForeign(plugins_.CacheDir() / "results", "pods", "eth0", "first");
  ASSERT_TRUE(network_.TearDown(Patient(), RequestFor()));
  EXPECT_THAT(plugins_.Calls(), ElementsAre("DEL first pod-1"));
}

}  // namespace
}  // namespace dockershimd::shim::network
