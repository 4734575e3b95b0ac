#include "shim/network/cni_network.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <thread>

#include "stub_plugins.h"

namespace dockershimd::shim::network {
namespace {

using base::CallContext;
using base::Code;
using nlohmann::json;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class CniNetworkTest : public testing::Test {
 protected:
  CniNetworkTest() { plugins_.Configure({"first", "second"}); }

  std::string SetUpError(const PodNetworkRequest& request = RequestFor()) {
    const auto addresses = network_.SetUp(Patient(), request);
    return addresses ? "no error" : addresses.error().message;
  }

  StubPlugins plugins_;
  CniNetwork network_{plugins_.Options()};
};

TEST_F(CniNetworkTest, SetUpRunsThePluginsInOrder) {
  const auto addresses = network_.SetUp(Patient(), RequestFor());
  ASSERT_TRUE(addresses) << addresses.error().message;
  EXPECT_THAT(addresses->ips, ElementsAre("10.1.2.3"));
  EXPECT_THAT(plugins_.Calls(), ElementsAre("ADD first pod-1", "ADD second pod-1"));
}

TEST_F(CniNetworkTest, EachPluginGetsTheResultOfTheOneBefore) {
  ASSERT_TRUE(network_.SetUp(Patient(), RequestFor()));
  EXPECT_FALSE(plugins_.Input("ADD", "first").contains("prevResult"));
  EXPECT_EQ(plugins_.Input("ADD", "second")["prevResult"]["by"], "first");
  EXPECT_EQ(plugins_.Cached()["result"]["by"], "second");
}

TEST_F(CniNetworkTest, PluginsAreToldTheirPod) {
  ASSERT_TRUE(network_.SetUp(Patient(), RequestFor()));
  const auto variable = [&](const char* name) { return plugins_.Variable("ADD", "first", name); };
  EXPECT_EQ(variable("CNI_COMMAND"), "ADD");
  EXPECT_EQ(variable("CNI_CONTAINERID"), "pod-1");
  EXPECT_EQ(variable("CNI_NETNS"), plugins_.PinOf("pod-1")) << "not /proc/<pid>/ns/net";
  EXPECT_EQ(variable("CNI_IFNAME"), "eth0");
  EXPECT_EQ(variable("CNI_ARGS"),
            "IgnoreUnknown=1;K8S_POD_NAMESPACE=shop;K8S_POD_NAME=web;"
            "K8S_POD_INFRA_CONTAINER_ID=pod-1;K8S_POD_UID=uid-1");
  EXPECT_EQ(variable("HOME"), "not set");
  EXPECT_EQ(plugins_.Input("ADD", "first"), json::parse(R"({
    "name": "pods", "cniVersion": "1.0.0", "type": "first", "runtimeConfig": {"portMappings": [
      {"hostPort": 8080, "containerPort": 80, "protocol": "tcp", "hostIP": ""}]}})"));
}

TEST_F(CniNetworkTest, PodCidrsReachPluginsWithTheCapability) {
  plugins_.WriteConfig("10-pods.conflist", R"({"cniVersion": "1.0.0", "name": "pods",
    "plugins": [{"type": "first", "capabilities": {"ipRanges": true}}]})");
  ASSERT_TRUE(network_.SetPodCidr("10.3.0.0/24,fd00::/64"));
  ASSERT_TRUE(network_.SetUp(Patient(), RequestFor()));
  EXPECT_EQ(plugins_.Input("ADD", "first")["runtimeConfig"]["ipRanges"],
            json::parse(R"([[{"subnet": "10.3.0.0/24"}], [{"subnet": "fd00::/64"}]])"));
}

TEST_F(CniNetworkTest, AFailureIsUndoneInReverse) {
  plugins_.Fail("ADD", "second", "no free port");
  EXPECT_EQ(SetUpError(), "CNI network 'pods': CNI plugin second, ADD: no free port (code 7)");
  EXPECT_THAT(plugins_.Calls(), ElementsAre("ADD first pod-1", "ADD second pod-1",
                                            "DEL second pod-1", "DEL first pod-1"));
  EXPECT_EQ(plugins_.CountCached(), 0U);
  EXPECT_THAT(network_.Addresses("pod-1", "").ips, IsEmpty());
}

TEST_F(CniNetworkTest, UndoingGoesOnAfterTheCallerHasGone) {
  plugins_.On("ADD", "second", "sleep 100");
  const auto addresses =
      network_.SetUp(CallContext::WithTimeout(std::chrono::milliseconds(700)), RequestFor());
  ASSERT_FALSE(addresses);
  EXPECT_EQ(addresses.error().code, Code::kDeadlineExceeded);
  EXPECT_THAT(addresses.error().message, HasSubstr("CNI plugin second, ADD"));
  EXPECT_THAT(plugins_.Calls(), Contains("DEL first pod-1"));
  EXPECT_EQ(plugins_.CountCached(), 0U);
}

TEST_F(CniNetworkTest, APluginThatHangsIsEndedByItsOwnTimeout) {
  auto options = plugins_.Options();
  options.plugin_timeout = std::chrono::seconds(1);
  plugins_.On("ADD", "first", "sleep 100");
  const auto addresses = CniNetwork(options).SetUp(Patient(), RequestFor());
  ASSERT_FALSE(addresses);
  EXPECT_EQ(addresses.error().code, Code::kDeadlineExceeded);
  EXPECT_THAT(addresses.error().message, HasSubstr("CNI plugin first, ADD"));
}

TEST_F(CniNetworkTest, WhoWaitsForTheFirstPodWithHostPortsWaitsNoLongerThanItsCaller) {
  const auto go_on = plugins_.CacheDir() / "go-on";
  plugins_.On("ADD", "first", "until test -e " + go_on.string() + "; do sleep 0.05; done; exit 1");
  std::jthread first([&] { (void)network_.SetUp(Patient(), RequestFor("pod-1")); });
  while (plugins_.Calls().empty()) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  const auto addresses =
      network_.SetUp(CallContext::WithTimeout(std::chrono::milliseconds(100)), RequestFor("pod-2"));
  EXPECT_THAT(plugins_.Calls(), ElementsAre("ADD first pod-1"));
  std::ofstream(go_on) << "yes";
  ASSERT_FALSE(addresses);
  EXPECT_EQ(addresses.error().code, Code::kDeadlineExceeded);
  EXPECT_THAT(addresses.error().message, HasSubstr("first pod with host ports"));
}

TEST_F(CniNetworkTest, WhatCannotBeUndoneIsRemembered) {
  plugins_.Fail("ADD", "second");
  plugins_.Fail("DEL", "first");
  EXPECT_THAT(SetUpError(), HasSubstr("second, ADD"));
  EXPECT_EQ(plugins_.CountCached(), 1U);
  EXPECT_THAT(network_.Addresses("pod-1", "/proc/self/ns/net").ips, IsEmpty());
  plugins_.Recover("DEL", "first");
  EXPECT_TRUE(network_.TearDown(Patient(), RequestFor()));
  EXPECT_EQ(plugins_.CountCached(), 0U);
}

TEST_F(CniNetworkTest, GarbageInPlaceOfAResultIsAFailure) {
  plugins_.On("ADD", "first", "echo Hello");
  EXPECT_EQ(SetUpError(),
            "CNI network 'pods': CNI plugin first, ADD: the result is not a JSON object: "
            "'Hello\n'");
  EXPECT_THAT(plugins_.Calls(), Contains("DEL first pod-1"));
}

TEST_F(CniNetworkTest, ANetworkWithoutAnAddressIsAFailure) {
  plugins_.On("ADD", "second", "echo '{}'");
  EXPECT_THAT(SetUpError(), HasSubstr("gave the pod no address"));
  EXPECT_THAT(plugins_.Calls(), Contains("DEL first pod-1"));
}

TEST_F(CniNetworkTest, WithAMissingPluginNothingIsBegun) {
  plugins_.Uninstall("second");
  EXPECT_THAT(SetUpError(), AllOf(HasSubstr("CNI plugin 'second' is not in "), HasSubstr("/bin")));
  EXPECT_THAT(plugins_.Calls(), IsEmpty());
  EXPECT_EQ(plugins_.CountCached(), 0U);
}

TEST_F(CniNetworkTest, WithoutANamespaceNothingIsBegun) {
  auto request = RequestFor();
  request.netns_path = "/proc/2147483647/ns/net";
  EXPECT_THAT(SetUpError(request), HasSubstr("network namespace"));
  request.netns_path = "";
  EXPECT_THAT(SetUpError(request), HasSubstr("pod-1 has no network namespace"));
  EXPECT_THAT(plugins_.Calls(), IsEmpty());
  EXPECT_EQ(plugins_.CountCached(), 0U);
}

TEST_F(CniNetworkTest, AFailureLeavesNoPin) {
  plugins_.Fail("ADD", "second");
  SetUpError();
  EXPECT_FALSE(std::filesystem::exists(plugins_.PinOf("pod-1")));
}

TEST_F(CniNetworkTest, UndoingKnowsTheResultsUntilThen) {
  plugins_.Fail("ADD", "second");
  SetUpError();
  EXPECT_EQ(plugins_.Input("DEL", "second")["prevResult"]["by"], "first");
  EXPECT_EQ(plugins_.Input("DEL", "first")["prevResult"]["by"], "first");
}

TEST_F(CniNetworkTest, ASandboxIdThatIsNoNameIsRefused) {
  EXPECT_THAT(SetUpError(RequestFor("../../etc/passwd")), HasSubstr("is no sandbox id"));
}

TEST_F(CniNetworkTest, ASecondSetUpFirstTakesTheFirstDown) {
  ASSERT_TRUE(network_.SetUp(Patient(), RequestFor()));
  plugins_.ForgetCalls();
  ASSERT_TRUE(network_.SetUp(Patient(), RequestFor()));
  EXPECT_THAT(plugins_.Calls(), ElementsAre("DEL second pod-1", "DEL first pod-1",
                                            "ADD first pod-1", "ADD second pod-1"));
}

TEST_F(CniNetworkTest, AddressesComeFromMemoryThenFromTheCache) {
  ASSERT_TRUE(network_.SetUp(Patient(), RequestFor()));
  CniNetwork restarted(plugins_.Options());
  EXPECT_THAT(restarted.Addresses("pod-1", "").ips, ElementsAre("10.1.2.3"));
  std::filesystem::remove_all(plugins_.CacheDir() / "results");
  EXPECT_THAT(restarted.Addresses("pod-1", "").ips, ElementsAre("10.1.2.3"));
  EXPECT_THAT(network_.Addresses("pod-1", "").ips, ElementsAre("10.1.2.3"));
  EXPECT_THAT(network_.Addresses("pod-2", "/proc/self/ns/net").ips, IsEmpty());
}

TEST_F(CniNetworkTest, ANewNetworkIsUsedWithoutARestart) {
  ASSERT_TRUE(network_.SetUp(Patient(), RequestFor()));
  plugins_.Install("other");
  plugins_.WriteConfig("05-new.conf", R"({"cniVersion": "0.4.0", "name": "new", "type": "other"})");
  ASSERT_TRUE(network_.SetUp(Patient(), RequestFor("pod-2")));
  EXPECT_EQ(plugins_.Calls().back(), "ADD other pod-2");
  EXPECT_THAT(network_.DescribeConfiguration(), HasSubstr("\"other\""));
}

TEST_F(CniNetworkTest, CheckRunsWithTheCachedResult) {
  ASSERT_TRUE(network_.SetUp(Patient(), RequestFor()));
  EXPECT_TRUE(network_.Check(Patient(), RequestFor()));
  EXPECT_EQ(plugins_.Input("CHECK", "first")["prevResult"]["by"], "second");
  plugins_.Fail("CHECK", "second", "address is gone");
  const auto checked = network_.Check(Patient(), RequestFor());
  ASSERT_FALSE(checked);
  EXPECT_THAT(checked.error().message, HasSubstr("second, CHECK: address is gone"));
}

TEST_F(CniNetworkTest, CheckIsLeftOutWhereItIsDisabled) {
  plugins_.WriteConfig("10-pods.conflist", R"({"cniVersion": "1.0.0", "name": "pods",
      "disableCheck": true, "plugins": [{"type": "first"}]})");
  ASSERT_TRUE(network_.SetUp(Patient(), RequestFor()));
  EXPECT_TRUE(network_.Check(Patient(), RequestFor()));
  EXPECT_THAT(plugins_.Calls(), ElementsAre("ADD first pod-1"));
}

TEST_F(CniNetworkTest, ConditionIsReady) {
  const auto condition = network_.Condition(Patient());
  EXPECT_TRUE(condition.ready) << condition.message;
  EXPECT_THAT(plugins_.Calls(), IsEmpty()) << "1.0.0 has no STATUS";
}

TEST_F(CniNetworkTest, ConditionSaysThatThereIsNoConfiguration) {
  std::filesystem::remove_all(plugins_.ConfDir());
  const auto condition = network_.Condition(Patient());
  EXPECT_FALSE(condition.ready);
  EXPECT_EQ(condition.reason, "NetworkPluginNotReady");
  EXPECT_EQ(condition.message, "no CNI configuration found in " + plugins_.ConfDir().string() +
                                   ": install a network add-on or pass --network bridge");
  EXPECT_FALSE(network_.HasConfiguration());
  EXPECT_EQ(network_.DescribeConfiguration(), "{}");
}

TEST_F(CniNetworkTest, ConditionNamesAMissingPlugin) {
  plugins_.Uninstall("second");
  const auto condition = network_.Condition(Patient());
  EXPECT_FALSE(condition.ready);
  EXPECT_THAT(condition.message, HasSubstr("CNI plugin 'second' is not in"));
}

TEST_F(CniNetworkTest, ConditionAsksPluginsOfCni11AndRemembers) {
  plugins_.Configure({"first"}, "1.1.0");
  EXPECT_TRUE(network_.Condition(Patient()).ready);
  EXPECT_TRUE(network_.Condition(Patient()).ready);
  EXPECT_THAT(plugins_.Calls(), ElementsAre("STATUS first "));
  EXPECT_EQ(plugins_.Input("STATUS", "first", ""),
            json::parse(R"({"cniVersion": "1.1.0", "name": "pods", "type": "first"})"));
}

TEST_F(CniNetworkTest, ConditionPassesOnWhatStatusSaysAndRecovers) {
  plugins_.Configure({"first"}, "1.1.0");
  plugins_.Fail("STATUS", "first", "no route to the controller");
  EXPECT_THAT(network_.Condition(Patient()).message,
              HasSubstr("first, STATUS: no route to the controller (code 7)"));
  plugins_.Recover("STATUS", "first");
  for (int i = 0; i < 100 && !network_.Condition(Patient()).ready; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  EXPECT_TRUE(network_.Condition(Patient()).ready);
  EXPECT_THAT(plugins_.Calls(), SizeIs(2)) << "a failure counts for a moment as well";
}

TEST_F(CniNetworkTest, PodsAreSetUpAndTakenDownSideBySide) {
  constexpr int kThreads = 8;
  std::vector<std::jthread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([this, i] {
      const auto id = fmt::format("pod-{}", i);
      for (int round = 0; round < 3; ++round) {
        const auto addresses = network_.SetUp(Patient(), RequestFor(id));
        EXPECT_TRUE(addresses) << addresses.error().message;
        EXPECT_THAT(network_.Addresses(id, "").ips, ElementsAre("10.1.2.3"));
        EXPECT_TRUE(network_.Condition(Patient()).ready);
        network_.CollectGarbage(Patient(), {});
        if (round == 2) break;
        EXPECT_TRUE(network_.TearDown(Patient(), RequestFor(id)));
      }
    });
  }
  threads.clear();
  EXPECT_EQ(plugins_.CountCached(), static_cast<std::size_t>(kThreads));
  EXPECT_THAT(plugins_.Calls(), SizeIs(kThreads * (3 + 2) * 2));
}

}  // namespace
}  // namespace dockershimd::shim::network
