// CniNetwork with the real plugins: what they make for a pod, and that nothing of it remains.

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <thread>

#include "base/process.h"
#include "base/unique_fd.h"
#include "other_namespace.h"
#include "shim/linux/network_namespace.h"
#include "shim/network/cni_network.h"

namespace dockershimd::shim::network {
namespace {

using linuxos::OtherNamespace;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::UnorderedElementsAre;

base::CallContext Patient() { return base::CallContext::WithTimeout(std::chrono::minutes(1)); }

std::string Output(const std::string& shell) {
  const auto output =
      base::Run(Patient(), {{"/bin/sh", "-c", shell}, {"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}, ""});
  return output ? output->standard_output + output->standard_error : output.error().message;
}

class CniTest : public testing::TestWithParam<const char*> {
 protected:
  CniTest() {
    std::string name = (std::filesystem::temp_directory_path() / "dockershimd-cni.XXXXXX").string();
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
    std::filesystem::create_directories(folder_ / "conf");
    EXPECT_EQ(Output("ip link set lo up"), "");
  }
  ~CniTest() override {
    network_.reset();
    Output("ip link delete cnitest0; umount " + (folder_ / "cache/dockershimd-netns/*").string());
    std::filesystem::remove_all(folder_);
  }

  /// All of the plugins in one chain.
  void ConfigureChain(const std::string& version, const std::string& ranges) {
    Configure(R"({"cniVersion": ")" + version + R"(", "name": "pods", "plugins": [
      {"type": "bridge", "bridge": "cnitest0", "isGateway": true, "ipMasq": true,
       "capabilities": {"ipRanges": true},
       "ipam": {"type": "host-local", "dataDir": ")" +
              (folder_ / "leases").string() + R"(", "ranges": )" + ranges + R"(}},
      {"type": "tuning", "sysctl": {"net.ipv4.conf.eth0.forwarding": "1"}},
      {"type": "firewall"},
      {"type": "portmap", "capabilities": {"portMappings": true}},
      {"type": "bandwidth", "capabilities": {"bandwidth": true}}]})");
  }

  void Configure(const std::string& text) {
    std::ofstream(folder_ / "conf" / "10-pods.conflist") << text;
    Restart();
  }

  void Restart() {
    network_.emplace(CniOptions{.conf_dir = folder_ / "conf",
                                .bin_dirs = {"/opt/cni/none", "/usr/lib/cni"},
                                .cache_dir = folder_ / "cache"});
  }

  PodNetworkRequest RequestFor(const std::string& id, const OtherNamespace& pod) const {
    PodNetworkRequest request;
    request.pod = {id, "web", "shop", "uid"};
    request.netns_path = pod.Path();
    request.ports = {{"tcp", 80, 8080, ""}, {"udp", 53, 5353, "10.77.0.1"}};
    request.bandwidth = {1000000, 2147483647, 2000000, 2147483647};
    return request;
  }

  std::vector<std::string> Leases() const {
    std::vector<std::string> leases;
    std::error_code none;
    for (const auto& entry : std::filesystem::directory_iterator(folder_ / "leases/pods", none)) {
      const auto name = entry.path().filename().string();
      if (name != "lock" && !name.starts_with("last_reserved")) leases.push_back(name);
    }
    return leases;
  }

  std::size_t CountCached() const {
    std::error_code none;
    const std::filesystem::directory_iterator files(folder_ / "cache/results", none);
    return static_cast<std::size_t>(std::distance(begin(files), end(files)));
  }

  /// Nothing of any pod is on the host.
  void ExpectNothingLeft() {
    EXPECT_THAT(Leases(), IsEmpty());
    EXPECT_EQ(CountCached(), 0U);
    EXPECT_EQ(Output("(iptables-save; ip6tables-save) | grep -E '10[.]77[.]|fd77:|dport|pod-'"),
              "");
    EXPECT_THAT(Output("ip -o link"), Not(HasSubstr("veth")));
    EXPECT_THAT(Output("ip -o link"), Not(HasSubstr("bwp")));
    EXPECT_THAT(Output("grep dockershimd-netns /proc/self/mountinfo"), IsEmpty());
  }

  std::filesystem::path folder_;
  std::optional<CniNetwork> network_;
};

constexpr const char* kDualStack = R"([[{"subnet": "10.77.0.0/24"}], [{"subnet": "fd77::/64"}]])";

TEST_P(CniTest, ADualStackPodHasAllAndLeavesNothing) {
  ConfigureChain(GetParam(), kDualStack);
  const auto condition = network_->Condition(Patient());
  EXPECT_TRUE(condition.ready) << condition.message;
  const OtherNamespace pod;
  const auto request = RequestFor("pod-1", pod);
  const auto addresses = network_->SetUp(Patient(), request);
  ASSERT_TRUE(addresses) << addresses.error().message;
  EXPECT_THAT(addresses->ips, ElementsAre("10.77.0.2", "fd77::2"));
  EXPECT_EQ(linuxos::InterfaceAddresses(pod.Path(), "eth0").value(), addresses->ips);
  EXPECT_THAT(Leases(), UnorderedElementsAre("10.77.0.2", "fd77::2"));
  EXPECT_THAT(Output("iptables-save -t nat"), HasSubstr("--dport 8080 -j DNAT"));
  EXPECT_THAT(Output("tc qdisc show"), HasSubstr("tbf"));

  const auto down = network_->TearDown(Patient(), request);
  ASSERT_TRUE(down) << down.error().message;
  EXPECT_THAT(linuxos::InterfaceAddresses(pod.Path(), "eth0").value(), IsEmpty());
  ExpectNothingLeft();
  EXPECT_TRUE(network_->TearDown(Patient(), request)) << "a second time";
}

/// Without host ports: portmap 1.1.1 looks for its IPv4 rules among those of IPv6.
TEST_P(CniTest, CheckFindsWhatAddMade) {
  ConfigureChain(GetParam(), R"([[{"subnet": "10.77.0.0/24"}]])");
  const OtherNamespace pod;
  auto request = RequestFor("pod-1", pod);
  request.ports.clear();
  ASSERT_TRUE(network_->SetUp(Patient(), request));
  const auto checked = network_->Check(Patient(), request);
  EXPECT_TRUE(checked) << checked.error().message;
  EXPECT_EQ(Output("ip link delete cnitest0"), "");
  EXPECT_FALSE(network_->Check(Patient(), request)) << "the bridge is gone";
  ASSERT_TRUE(network_->TearDown(Patient(), request));
  ExpectNothingLeft();
}

TEST_P(CniTest, APodWhoseNamespaceIsGoneLeavesNothing) {
  ConfigureChain(GetParam(), kDualStack);
  PodNetworkRequest request;
  {
    const OtherNamespace pod;
    request = RequestFor("pod-1", pod);
    ASSERT_TRUE(network_->SetUp(Patient(), request));
  }
  request.netns_path.clear();
  Restart();
  EXPECT_THAT(network_->Addresses("pod-1", "").ips, ElementsAre("10.77.0.2", "fd77::2"));
  const auto down = network_->TearDown(Patient(), request);
  ASSERT_TRUE(down) << down.error().message;
  ExpectNothingLeft();
}

/// As a DEL that was cut off leaves it.
TEST_P(CniTest, APodWhoseInterfaceIsGoneLeavesNothing) {
  ConfigureChain(GetParam(), kDualStack);
  const OtherNamespace pod;
  const auto request = RequestFor("pod-1", pod);
  ASSERT_TRUE(network_->SetUp(Patient(), request));
  EXPECT_EQ(Output("nsenter --net=" + pod.Path() + " ip link delete eth0"), "");
  const auto down = network_->TearDown(Patient(), request);
  ASSERT_TRUE(down) << down.error().message;
  EXPECT_THAT(linuxos::InterfaceAddresses(pod.Path(), "eth0").value(), IsEmpty());
  ExpectNothingLeft();
}

TEST_P(CniTest, ACrashBetweenAddAndItsResultLeavesNothing) {
  ConfigureChain(GetParam(), kDualStack);
  {
    const OtherNamespace pod;
    ASSERT_TRUE(network_->SetUp(Patient(), RequestFor("pod-1", pod)));
  }
  // As it is while the last plugin runs.
  const auto cached = (folder_ / "cache/results/pods-pod-1-eth0").string();
  EXPECT_EQ(Output("sed -i 's/\"result\":/\"partialResult\":/' " + cached), "");
  Restart();
  EXPECT_THAT(network_->Addresses("pod-1", "").ips, IsEmpty());
  network_->CollectGarbage(Patient(), {});
  ExpectNothingLeft();
}

TEST_P(CniTest, AFailureInTheMiddleLeavesNothing) {
  ConfigureChain(GetParam(), kDualStack);
  const OtherNamespace pod;
  auto request = RequestFor("pod-1", pod);
  request.ports[0].protocol = "none";
  const auto addresses = network_->SetUp(Patient(), request);
  ASSERT_FALSE(addresses);
  EXPECT_THAT(addresses.error().message, HasSubstr("CNI plugin portmap, ADD: "));
  ExpectNothingLeft();
}

INSTANTIATE_TEST_SUITE_P(Versions, CniTest, testing::Values("0.4.0", "1.0.0"),
                         [](const auto& info) {
                           return info.param[0] == '0' ? std::string("v040") : std::string("v100");
                         });

using CniNetworkOnHost = CniTest;

TEST_F(CniNetworkOnHost, TheLastAddressIsGivenOnceAndTheErrorSaysSo) {
  ConfigureChain("1.0.0", R"([[{"subnet": "10.77.0.0/30"}]])");
  const OtherNamespace first;
  const OtherNamespace second;
  ASSERT_TRUE(network_->SetUp(Patient(), RequestFor("pod-1", first)));
  const auto refused = network_->SetUp(Patient(), RequestFor("pod-2", second));
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message,
              HasSubstr("CNI network 'pods': CNI plugin bridge, ADD: failed to allocate"));
  EXPECT_THAT(Leases(), ElementsAre("10.77.0.2"));
  ASSERT_TRUE(network_->TearDown(Patient(), RequestFor("pod-1", first)));
  ExpectNothingLeft();
}

TEST_F(CniNetworkOnHost, KubeletsPodCidrIsUsed) {
  ConfigureChain("1.0.0", "[]");
  ASSERT_TRUE(network_->SetPodCidr("10.77.8.0/24"));
  Restart();
  const OtherNamespace pod;
  const auto addresses = network_->SetUp(Patient(), RequestFor("pod-1", pod));
  ASSERT_TRUE(addresses) << addresses.error().message;
  EXPECT_THAT(addresses->ips, ElementsAre("10.77.8.2"));
  ASSERT_TRUE(network_->TearDown(Patient(), RequestFor("pod-1", pod)));
  ExpectNothingLeft();
}

TEST_F(CniNetworkOnHost, PodsSideBySideGetAddressesOfTheirOwn) {
  ConfigureChain("1.0.0", kDualStack);
  constexpr int kPods = 6;
  std::vector<OtherNamespace> pods(kPods);
  std::vector<std::string> ips(kPods);
  std::vector<std::jthread> threads;
  for (std::size_t i = 0; i < kPods; ++i) {
    threads.emplace_back([&, i] {
      auto request = RequestFor(fmt::format("pod-{}", i), pods[i]);
      request.ports = {{"tcp", 80, static_cast<std::uint16_t>(8000 + i), ""}};
      const auto addresses = network_->SetUp(Patient(), request);
      ASSERT_TRUE(addresses) << addresses.error().message;
      ips[i] = addresses->ips.at(0);
    });
  }
  threads.clear();
  EXPECT_THAT(ips, UnorderedElementsAre("10.77.0.2", "10.77.0.3", "10.77.0.4", "10.77.0.5",
                                        "10.77.0.6", "10.77.0.7"));
  for (std::size_t i = 0; i < kPods; ++i) {
    threads.emplace_back([&, i] {
      const auto down =
          network_->TearDown(Patient(), RequestFor(fmt::format("pod-{}", i), pods[i]));
      EXPECT_TRUE(down) << down.error().message;
    });
  }
  threads.clear();
  ExpectNothingLeft();
}

sockaddr_in Address(const char* ip, std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  ::inet_pton(AF_INET, ip, &address.sin_addr);
  return address;
}

base::Result<base::UniqueFd> ListenIn(const std::string& netns, std::uint16_t port) {
  return linuxos::InNetworkNamespace(netns, [&]() -> base::Result<base::UniqueFd> {
    base::UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const auto address = Address("0.0.0.0", port);
    const auto* generic = reinterpret_cast<const sockaddr*>(&address);
    if (::bind(socket.Get(), generic, sizeof address) != 0 || ::listen(socket.Get(), 16) != 0) {
      return base::Fail(base::ErrnoError(errno, "listen"));
    }
    return socket;
  });
}

base::Status Connect(const char* ip, std::uint16_t port) {
  const base::UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const timeval limit{.tv_sec = 5, .tv_usec = 0};
  ::setsockopt(socket.Get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  const auto address = Address(ip, port);
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);
  if (::connect(socket.Get(), generic, sizeof address) == 0) return {};
  return base::Fail(base::ErrnoError(errno, "connect"));
}

TEST_F(CniNetworkOnHost, AHostPortLeadsIntoThePod) {
  ConfigureChain("1.0.0", kDualStack);
  const OtherNamespace pod;
  ASSERT_TRUE(network_->SetUp(Patient(), RequestFor("pod-1", pod)));
  const auto listening = ListenIn(pod.Path(), 80);
  ASSERT_TRUE(listening) << listening.error().message;
  for (const auto& [ip, port] : {std::pair("10.77.0.2", 80), std::pair("10.77.0.1", 8080)}) {
    const auto connected = Connect(ip, static_cast<std::uint16_t>(port));
    EXPECT_TRUE(connected) << ip << ": " << connected.error().message;
  }
  const auto from_inside =
      linuxos::InNetworkNamespace(pod.Path(), [] { return Connect("127.0.0.1", 80); });
  EXPECT_TRUE(from_inside) << "lo is up: " << from_inside.error().message;
  ASSERT_TRUE(network_->TearDown(Patient(), RequestFor("pod-1", pod)));
  EXPECT_FALSE(Connect("10.77.0.1", 8080));
  ExpectNothingLeft();
}

}  // namespace
}  // namespace dockershimd::shim::network
