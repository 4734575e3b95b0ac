#include "shim/network/cni_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace dockershimd::shim::network {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

json Args(const PodNetworkRequest& request, const std::vector<std::string>& cidrs = {}) {
  return json::parse(CapabilityArgs(request, cidrs));
}

CniConfig Config(const std::string& plugin) {
  auto config = ParseCniConfig(R"({"cniVersion": "1.0.0", "cniVersions": ["0.4.0"],
                                   "name": "pods", "plugins": [)" +
                               plugin + "]}");
  EXPECT_TRUE(config) << config.error().message;
  return config.value_or(CniConfig());
}

json Input(const std::string& plugin, const std::string& args, const std::string& previous = "") {
  const auto config = Config(plugin);
  return json::parse(PluginInput(config, config.plugins.at(0), args, previous));
}

TEST(CapabilityArgs, NothingAskedIsAnEmptyObject) { EXPECT_EQ(Args({}), json::object()); }

TEST(CapabilityArgs, PortMappingsAreThoseWithAHostPort) {
  PodNetworkRequest request;
  request.ports = {{"tcp", 80, 8080, "127.0.0.1"}, {"udp", 53, 0, ""}, {"sctp", 9, 99, ""}};
  EXPECT_EQ(Args(request)["portMappings"], json::parse(R"([
    {"hostPort": 8080, "containerPort": 80, "protocol": "tcp", "hostIP": "127.0.0.1"},
    {"hostPort": 99, "containerPort": 9, "protocol": "sctp", "hostIP": ""}])"));
}

TEST(CapabilityArgs, BandwidthOfEachDirectionAlone) {
  PodNetworkRequest request;
  request.bandwidth = {.ingress_rate = 1000000, .ingress_burst = 2147483647};
  EXPECT_EQ(Args(request)["bandwidth"],
            json::parse(R"({"ingressRate": 1000000, "ingressBurst": 2147483647})"));
  request.bandwidth = {.egress_rate = 5, .egress_burst = 6};
  EXPECT_EQ(Args(request)["bandwidth"], json::parse(R"({"egressRate": 5, "egressBurst": 6})"));
}

TEST(CapabilityArgs, OneSetOfRangesForEachCidr) {
  EXPECT_EQ(Args({}, {"10.1.0.0/24", "fd00::/64"})["ipRanges"],
            json::parse(R"([[{"subnet": "10.1.0.0/24"}], [{"subnet": "fd00::/64"}]])"));
}

TEST(CapabilityArgs, TheRest) {
  PodNetworkRequest request;
  request.dns = {{"10.0.0.10"}, {"svc.local"}, {"ndots:5"}};
  request.cgroup_path = "/kubepods/pod1";
  request.annotations = {{"a", "1"}};
  EXPECT_EQ(Args(request), json::parse(R"({
    "dns": {"servers": ["10.0.0.10"], "searches": ["svc.local"], "options": ["ndots:5"]},
    "cgroupPath": "/kubepods/pod1",
    "io.kubernetes.cri.pod-annotations": {"a": "1"}})"));
}

TEST(CapabilityArgs, BytesThatAreNoUtf8DoNotThrow) {
  PodNetworkRequest request;
  request.annotations = {{"a", "\xff"}};
  EXPECT_TRUE(Args(request).is_object());
}

TEST(PluginInput, CompletesThePluginsOwnConfiguration) {
  EXPECT_EQ(Input(R"({"type": "bridge", "bridge": "cni0", "capabilities": {"dns": true}})", "{}"),
            json::parse(R"({"type": "bridge", "bridge": "cni0", "name": "pods",
                            "cniVersion": "1.0.0"})"));
}

TEST(PluginInput, OnlyDeclaredCapabilitiesAreGiven) {
  const std::string args = R"({"dns": {"servers": ["1.1.1.1"]}, "portMappings": [1]})";
  EXPECT_EQ(Input(R"({"type": "a", "capabilities": {"portMappings": true, "bandwidth": true}})",
                  args)["runtimeConfig"],
            json::parse(R"({"portMappings": [1]})"));
  EXPECT_FALSE(
      Input(R"({"type": "a", "capabilities": {"dns": false}})", args).contains("runtimeConfig"));
}

TEST(PluginInput, ReplacesARuntimeConfigOfTheWrongKind) {
  EXPECT_EQ(Input(R"({"type": "a", "runtimeConfig": "x", "capabilities": {"dns": true}})",
                  R"({"dns": {"servers": []}})")["runtimeConfig"],
            json::parse(R"({"dns": {"servers": []}})"));
}

TEST(PluginInput, CarriesThePreviousResult) {
  EXPECT_EQ(Input(R"({"type": "a"})", "", R"({"ips": []})")["prevResult"],
            json::parse(R"({"ips": []})"));
  EXPECT_FALSE(Input(R"({"type": "a"})", "", "").contains("prevResult"));
}

TEST(GarbageInput, ListsWhatIsStillThere) {
  const auto config = Config(R"({"type": "a"})");
  const auto input = json::parse(GarbageInput(config, config.plugins[0], {{"c1", "eth0"}}));
  const auto expected = json::parse(R"([{"containerID": "c1", "ifname": "eth0"}])");
  EXPECT_EQ(input["cni.dev/valid-attachments"], expected);
  EXPECT_EQ(input["cni.dev/attachments"], expected);
  EXPECT_TRUE(json::parse(GarbageInput(config, config.plugins[0], {}))["cni.dev/valid-attachments"]
                  .is_array());
}

TEST(ReadResult, GetsTheConfigurationsVersionWhereItHasNone) {
  const auto config = Config(R"({"type": "a"})");
  EXPECT_EQ(json::parse(*ReadResult(config, "{}"))["cniVersion"], "1.0.0");
  EXPECT_EQ(json::parse(*ReadResult(config, R"({"cniVersion": "0.4.0"})"))["cniVersion"], "0.4.0");
}

TEST(ReadResult, ShowsTheStartOfWhatIsNoResult) {
  const auto config = Config(R"({"type": "a"})");
  EXPECT_THAT(ReadResult(config, "Segmentation fault").error().message,
              HasSubstr("'Segmentation fault'"));
  EXPECT_FALSE(ReadResult(config, ""));
  EXPECT_FALSE(ReadResult(config, "[]"));
  const std::string deep = R"({"a":)" + std::string(1 << 20, '[') + std::string(1 << 20, ']') + "}";
  const auto refused = ReadResult(config, deep);
  ASSERT_FALSE(refused);
  EXPECT_LT(refused.error().message.size(), 400U);
}

TEST(AddressesOfResult, OfEveryVersion) {
  const auto addresses = [](const char* result) { return AddressesOfResult(result, "eth0"); };
  EXPECT_THAT(addresses(R"({"cniVersion": "0.2.0", "ip4": {"ip": "10.0.0.5/24"},
                            "ip6": {"ip": "fd00::5/64"}})"),
              ElementsAre("10.0.0.5", "fd00::5"));
  EXPECT_THAT(addresses(R"({"cniVersion": "0.3.1",
                            "ips": [{"version": "4", "address": "10.0.0.5/24"}]})"),
              ElementsAre("10.0.0.5"));
  EXPECT_THAT(addresses(R"({"cniVersion": "1.1.0", "ips": [{"address": "fd00::5/64"},
                            {"address": "10.0.0.5/24"}, {"address": "10.0.0.4/24"}]})"),
              ElementsAre("10.0.0.5", "10.0.0.4", "fd00::5"));
}

TEST(AddressesOfResult, OnlyThoseOfTheInterface) {
  EXPECT_THAT(AddressesOfResult(R"({
      "interfaces": [{"name": "cni0"}, {"name": "eth0", "sandbox": "/x"}, {"name": "net1"}],
      "ips": [{"address": "10.0.0.1/24", "interface": 0}, {"address": "10.0.0.5/24", "interface": 1},
              {"address": "10.9.0.1/24", "interface": 2}, {"address": "10.0.0.6/24"},
              {"address": "10.0.0.7/24", "interface": 9}, {"address": "10.0.0.8/24",
               "interface": -1}]})",
                                "eth0"),
              ElementsAre("10.0.0.5", "10.0.0.6", "10.0.0.7", "10.0.0.8"));
}

TEST(AddressesOfResult, WhatIsNoneIsPassedOver) {
  for (const char* result :
       {"", "garbage", "[]", "{}", R"({"ips": {}})", R"({"ips": [1, null, {}, {"address": 5}]})",
        R"({"ips": [{"address": "none"}]})", R"({"ip4": "10.0.0.1", "ip6": {"ip": 6}})"}) {
    EXPECT_THAT(AddressesOfResult(result, "eth0"), IsEmpty()) << result;
  }
}

}  // namespace
}  // namespace dockershimd::shim::network
