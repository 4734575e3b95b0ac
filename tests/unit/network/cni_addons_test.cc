// Configurations as network add-ons write them, with plugins that answer as theirs do: what each
// plugin is given must be what the CNI spec promises it, in every version of the spec.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "stub_plugins.h"

namespace dockershimd::shim::network {
namespace {

using nlohmann::json;
using testing::ElementsAreArray;
using testing::Not;

/// An add-on's configuration, and what its own plugin answers to ADD.
struct AddOn {
  std::string name;
  std::string file;
  json list;        ///< without a version
  json interfaces;  ///< of the answer
  json addresses;   ///< of the answer, without what depends on the version
  std::vector<std::string> ips;
};

void PrintTo(const AddOn& add_on, std::ostream* out) { *out << add_on.name; }

AddOn Calico() {
  return {.name = "Calico",
          .file = "10-calico.conflist",
          .list = json::parse(R"({"name": "k8s-pod-network", "plugins": [
            {"type": "calico", "log_level": "info",
             "log_file_path": "/var/log/calico/cni/cni.log", "datastore_type": "kubernetes",
             "nodename": "node-1", "nodename_file_optional": false, "mtu": 0,
             "container_settings": {"allow_ip_forwarding": false},
             "ipam": {"type": "calico-ipam", "assign_ipv4": "true", "assign_ipv6": "true"},
             "policy": {"type": "k8s"},
             "kubernetes": {"kubeconfig": "/etc/cni/net.d/calico-kubeconfig"}},
            {"type": "bandwidth", "capabilities": {"bandwidth": true}},
            {"type": "portmap", "snat": true, "capabilities": {"portMappings": true}}]})"),
          // The host's end alone, and addresses without an interface.
          .interfaces = json::parse(R"([{"name": "cali8a6b1c2d3e4"}])"),
          .addresses = json::parse(R"([{"address": "192.168.7.66/32"},
                                       {"address": "fd00:7::42/128"}])"),
          .ips = {"192.168.7.66", "fd00:7::42"}};
}

AddOn Cilium() {
  return {.name = "Cilium",
          .file = "05-cilium.conflist",
          .list = json::parse(R"({"name": "cilium", "plugins": [
            {"type": "cilium-cni", "enable-debug": false,
             "log-file": "/var/run/cilium/cilium-cni.log"}]})"),
          .interfaces = json::parse(R"([{"name": "lxc5d1f", "mac": "0e:00:00:00:00:01"},
            {"name": "eth0", "mac": "0e:00:00:00:00:02", "sandbox": "/var/run/netns/x"}])"),
          .addresses = json::parse(R"([
            {"address": "fd02::5/128", "gateway": "fd02::1", "interface": 1},
            {"address": "10.0.1.5/32", "gateway": "10.0.1.1", "interface": 1}])"),
          .ips = {"10.0.1.5", "fd02::5"}};
}

/// With Cilium chained to it, as clusters do that want its policies only.
AddOn Flannel() {
  return {.name = "Flannel",
          .file = "10-flannel.conflist",
          .list = json::parse(R"({"name": "cbr0", "plugins": [
            {"type": "flannel", "delegate": {"hairpinMode": true, "isDefaultGateway": true}},
            {"type": "portmap", "capabilities": {"portMappings": true}},
            {"type": "cilium-cni", "chaining-mode": "flannel"}]})"),
          .interfaces = json::parse(R"([{"name": "cni0", "mac": "0e:00:00:00:00:01"},
            {"name": "veth1a2b", "mac": "0e:00:00:00:00:02"},
            {"name": "eth0", "mac": "0e:00:00:00:00:03", "sandbox": "/var/run/netns/x"}])"),
          .addresses = json::parse(R"([
            {"address": "10.244.0.9/24", "gateway": "10.244.0.1", "interface": 2}])"),
          .ips = {"10.244.0.9"}};
}

AddOn Weave() {
  return {.name = "Weave",
          .file = "10-weave.conflist",
          // The plugin has a name of its own, which gives way to that of the network.
          .list = json::parse(R"({"name": "weave", "plugins": [
            {"name": "weave-of-old", "type": "weave-net", "hairpinMode": true},
            {"type": "portmap", "capabilities": {"portMappings": true}, "snat": true}]})"),
          .interfaces = json::array(),
          .addresses = json::parse(R"([{"address": "10.32.0.4/12", "gateway": "10.32.0.1"}])"),
          .ips = {"10.32.0.4"}};
}

/// What is asked for the pod, and what a plugin gets of it that declares the capability.
const std::map<std::string, json> kRuntimeValues = {
    {"portMappings", json::parse(R"([{"hostPort": 8080, "containerPort": 80, "protocol": "tcp",
                                     "hostIP": ""}])")},
    {"bandwidth", json::parse(R"({"ingressRate": 1000000, "ingressBurst": 2147483647,
                                  "egressRate": 2000000, "egressBurst": 2147483647})")},
    {"dns", json::parse(R"({"servers": ["10.96.0.10"], "searches": ["svc.cluster.local"],
                            "options": ["ndots:5"]})")},
    {"ipRanges", json::parse(R"([[{"subnet": "10.244.0.0/24"}]])")},
    {"cgroupPath", "/kubepods/pod1"},
    {"io.kubernetes.cri.pod-annotations", json::parse(R"({"team": "shop"})")}};

PodNetworkRequest FullRequest() {
  auto request = RequestFor();
  request.bandwidth = {1000000, 2147483647, 2000000, 2147483647};
  request.dns = {{"10.96.0.10"}, {"svc.cluster.local"}, {"ndots:5"}};
  request.cgroup_path = "/kubepods/pod1";
  request.annotations = {{"team", "shop"}};
  return request;
}

class CniAddOnTest : public testing::TestWithParam<std::tuple<AddOn, const char*>> {
 protected:
  CniAddOnTest() {
    plugins_.WriteConfig(AddOnOf().file, list_.dump());
    for (const auto& plugin : list_["plugins"]) {
      const std::string type = plugin["type"];
      plugins_.Install(type);
      // Those after the first pass on what the ones before have done.
      plugins_.On("ADD", type, "cat <<'RESULT'\n" + answer_.dump() + "\nRESULT\n");
    }
    EXPECT_TRUE(network_.SetPodCidr("10.244.0.0/24"));
  }

  static const AddOn& AddOnOf() { return std::get<0>(GetParam()); }
  static std::string Version() { return std::get<1>(GetParam()); }
  static json VersionedList() {
    json list = AddOnOf().list;
    list["cniVersion"] = Version();
    return list;
  }

  static json MakeAnswer() {
    json addresses = AddOnOf().addresses;
    for (json& address : addresses) {
      const bool is_v6 = address["address"].get<std::string>().find(':') != std::string::npos;
      if (Version() < "1.0.0") address["version"] = is_v6 ? "6" : "4";
    }
    json answer = {{"cniVersion", Version()},
                   {"ips", addresses},
                   {"routes", json::parse(R"([{"dst": "0.0.0.0/0"}])")},
                   {"dns", json::object()}};
    if (!AddOnOf().interfaces.empty()) answer["interfaces"] = AddOnOf().interfaces;
    return answer;
  }

  /// What the calls of a command must have been, in the list's order or in reverse.
  [[nodiscard]] std::vector<std::string> CallsOf(const std::string& command,
                                                 bool in_reverse) const {
    std::vector<std::string> calls;
    for (const auto& plugin : list_["plugins"]) {
      calls.push_back(command + " " + plugin["type"].get<std::string>() + " pod-1");
    }
    if (in_reverse) std::reverse(calls.begin(), calls.end());
    return calls;
  }

  /// The spec's section 3, "Deriving execution configuration".
  [[nodiscard]] json ExpectedInput(json plugin, const json& previous) const {
    json runtime = json::object();
    const json capabilities = plugin.value("capabilities", json::object());
    for (const auto& [name, wanted] : capabilities.items()) {
      if (wanted == true) runtime[name] = kRuntimeValues.at(name);
    }
    plugin.erase("capabilities");
    plugin["name"] = list_["name"];
    plugin["cniVersion"] = Version();
    if (!runtime.empty()) plugin["runtimeConfig"] = runtime;
    if (!previous.is_null()) plugin["prevResult"] = previous;
    return plugin;
  }

  /// The spec's section 2, "Parameters".
  void ExpectVariables(const std::string& command, const std::string& type) {
    const auto variable = [&](const char* name) { return plugins_.Variable(command, type, name); };
    EXPECT_EQ(variable("CNI_COMMAND"), command);
    EXPECT_EQ(variable("CNI_CONTAINERID"), "pod-1");
    EXPECT_EQ(variable("CNI_NETNS"), plugins_.PinOf("pod-1"));
    EXPECT_EQ(variable("CNI_IFNAME"), "eth0");
    EXPECT_THAT(variable("CNI_PATH"), testing::EndsWith("/bin"));
    EXPECT_THAT(variable("CNI_ARGS"),
                testing::MatchesRegex("([A-Za-z0-9_]+=[^;=]*;)*[A-Za-z0-9_]+=[^;=]*"))
        << variable("CNI_ARGS");
  }

  /// `previous_of` says what result a plugin in this place must be given.
  template <class PreviousOf>
  void ExpectCalls(const std::string& command, const PreviousOf& previous_of) {
    for (std::size_t i = 0; i < list_["plugins"].size(); ++i) {
      const std::string type = list_["plugins"][i]["type"];
      SCOPED_TRACE(command + " of " + type);
      EXPECT_EQ(plugins_.Input(command, type), ExpectedInput(list_["plugins"][i], previous_of(i)));
      ExpectVariables(command, type);
    }
  }

  const json list_ = VersionedList();
  const json answer_ = MakeAnswer();
  StubPlugins plugins_;
  CniNetwork network_{plugins_.Options()};
};

TEST_P(CniAddOnTest, PluginsAreGivenWhatTheSpecPromises) {
  const auto condition = network_.Condition(Patient());
  EXPECT_TRUE(condition.ready) << condition.message;
  plugins_.ForgetCalls();

  const auto addresses = network_.SetUp(Patient(), FullRequest());
  ASSERT_TRUE(addresses) << addresses.error().message;
  EXPECT_THAT(addresses->ips, ElementsAreArray(AddOnOf().ips));
  EXPECT_THAT(plugins_.Calls(), ElementsAreArray(CallsOf("ADD", false)));
  ExpectCalls("ADD", [&](std::size_t place) { return place == 0 ? json() : answer_; });

  const bool has_check = Version() >= "0.4.0";
  plugins_.ForgetCalls();
  ASSERT_TRUE(network_.Check(Patient(), FullRequest()));
  if (has_check) {
    EXPECT_THAT(plugins_.Calls(), ElementsAreArray(CallsOf("CHECK", false)));
    ExpectCalls("CHECK", [&](std::size_t) { return answer_; });
  } else {
    EXPECT_THAT(plugins_.Calls(), testing::IsEmpty());
  }

  // What is left of the pod's request by then.
  PodNetworkRequest ended;
  ended.pod.sandbox_id = "pod-1";
  plugins_.ForgetCalls();
  ASSERT_TRUE(network_.TearDown(Patient(), ended));
  EXPECT_THAT(plugins_.Calls(), ElementsAreArray(CallsOf("DEL", true)));
  ExpectCalls("DEL", [&](std::size_t) { return has_check ? answer_ : json(); });
  EXPECT_EQ(plugins_.CountCached(), 0U);
}

TEST_P(CniAddOnTest, ARestartedDaemonGivesDelTheSame) {
  ASSERT_TRUE(network_.SetUp(Patient(), FullRequest()));
  // The add-on was upgraded meanwhile.
  plugins_.WriteConfig(AddOnOf().file, R"({"cniVersion": "1.0.0", "name": "other", "plugins": [
                                           {"type": "calico"}]})");
  plugins_.ForgetCalls();
  CniNetwork restarted(plugins_.Options());
  EXPECT_THAT(restarted.Addresses("pod-1", "").ips, ElementsAreArray(AddOnOf().ips));
  ASSERT_TRUE(restarted.TearDown(Patient(), FullRequest()));
  EXPECT_THAT(plugins_.Calls(), ElementsAreArray(CallsOf("DEL", true)));
  const bool has_result = Version() >= "0.4.0";
  ExpectCalls("DEL", [&](std::size_t) { return has_result ? answer_ : json(); });
}

INSTANTIATE_TEST_SUITE_P(All, CniAddOnTest,
                         testing::Combine(testing::Values(Calico(), Cilium(), Flannel(), Weave()),
                                          testing::Values("0.3.0", "0.3.1", "0.4.0", "1.0.0",
                                                          "1.1.0")),
                         [](const auto& info) {
                           std::string version = std::get<1>(info.param);
                           std::replace(version.begin(), version.end(), '.', '_');
                           return std::get<0>(info.param).name + "_" + version;
                         });

/// Add-ons keep more than their configuration in its folder, and put others' aside.
TEST(CniAddOns, OtherFilesOfAddOnsAreNoConfigurations) {
  StubPlugins plugins;
  plugins.Install("cilium-cni");
  plugins.WriteConfig("10-calico.conflist.cilium_bak", Calico().list.dump());
  plugins.WriteConfig("calico-kubeconfig", "apiVersion: v1\nkind: Config\n");
  plugins.WriteConfig("calico-tls/etcd-ca", "");
  plugins.WriteConfig("multus.d/multus.kubeconfig", "apiVersion: v1\nkind: Config\n");
  plugins.WriteConfig("whereabouts.d/whereabouts.conf", R"({"datastore": "kubernetes"})");
  plugins.WriteConfig(".10-flannel.conflist.tmp", R"({"name": "cbr0", "plug)");
  CniNetwork network(plugins.Options());
  EXPECT_FALSE(network.HasConfiguration());
  EXPECT_FALSE(network.Condition(Patient()).ready);
  // Some installers of Cilium write a single plugin under the name of a list.
  plugins.WriteConfig("05-cilium.conflist",
                      R"({"cniVersion": "0.3.1", "name": "cilium", "type": "cilium-cni"})");
  const auto condition = network.Condition(Patient());
  EXPECT_TRUE(condition.ready) << condition.message;
  ASSERT_TRUE(network.SetUp(Patient(), RequestFor()));
  EXPECT_EQ(plugins.Input("ADD", "cilium-cni"),
            json::parse(R"({"cniVersion": "0.3.1", "name": "cilium", "type": "cilium-cni"})"));
}

}  // namespace
}  // namespace dockershimd::shim::network
