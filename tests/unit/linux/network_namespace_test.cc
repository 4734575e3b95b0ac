#include "shim/linux/network_namespace.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cstdlib>
#include <cstring>
#include <string>

#include "base/file.h"
#include "base/unique_fd.h"
#include "other_namespace.h"
#include "shim/linux/stand_in_interface.h"

namespace dockershimd::shim::linuxos {
namespace {

using base::Code;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

ino_t CurrentNamespace() {
  struct stat status{};
  EXPECT_EQ(::stat("/proc/thread-self/ns/net", &status), 0);
  return status.st_ino;
}

base::Result<ino_t> NamespaceInside(const std::string& path) {
  return InNetworkNamespace(path, []() -> base::Result<ino_t> { return CurrentNamespace(); });
}

bool LoopbackIsUp() {
  const base::UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  EXPECT_EQ(::ioctl(socket.Get(), SIOCGIFFLAGS, &request), 0);
  return (request.ifr_flags & IFF_UP) != 0;
}

base::Result<bool> LoopbackIsUpIn(const std::string& path) {
  return InNetworkNamespace(path, []() -> base::Result<bool> { return LoopbackIsUp(); });
}

bool RunIp(const std::string& arguments) {
  return std::system(("ip " + arguments + " >/dev/null 2>&1").c_str()) == 0;
}

TEST(InNetworkNamespace, WorksInsideAndLeavesTheCallersThreadWhereItIs) {
  const OtherNamespace other;
  const auto before = CurrentNamespace();
  const auto inside = NamespaceInside(other.Path());
  ASSERT_TRUE(inside) << inside.error().message;
  EXPECT_NE(*inside, before);
  EXPECT_EQ(CurrentNamespace(), before);
}

TEST(InNetworkNamespace, PassesOnTheErrorOfTheWork) {
  const auto done = InNetworkNamespace("/proc/self/ns/net", []() -> base::Status {
    return base::Fail(Code::kResourceExhausted, "full");
  });
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Code::kResourceExhausted);
}

TEST(InNetworkNamespace, OfAProcessThatIsGoneIsNotFound) {
  const auto inside = NamespaceInside("/proc/2147483647/ns/net");
  ASSERT_FALSE(inside);
  EXPECT_EQ(inside.error().code, Code::kNotFound);
}

TEST(InNetworkNamespace, AFileThatIsNoNamespaceIsAnError) {
  EXPECT_FALSE(NamespaceInside("/proc/self/status"));
  EXPECT_FALSE(NamespaceInside(""));
}

TEST(BringLoopbackUp, SetsItUpThereAndNotHere) {
  const OtherNamespace first;
  const OtherNamespace second;
  EXPECT_FALSE(LoopbackIsUpIn(first.Path()).value());
  ASSERT_TRUE(BringLoopbackUp(first.Path()));
  EXPECT_TRUE(LoopbackIsUpIn(first.Path()).value());
  EXPECT_FALSE(LoopbackIsUpIn(second.Path()).value());
  EXPECT_TRUE(BringLoopbackUp(first.Path())) << "it may be up already";
}

std::string Ipv6IsOff() {
  return base::ReadFile("/proc/sys/net/ipv6/conf/all/disable_ipv6").value_or("no IPv6\n");
}

TEST(AllowIpv6, OfTheLoopbackToo) {
  if (Ipv6IsOff() == "no IPv6\n") GTEST_SKIP() << "this kernel has no IPv6";
  const OtherNamespace other;
  const auto before = Ipv6IsOff();
  // As Docker leaves a namespace.
  const auto forbidden = InNetworkNamespace(other.Path(), [] {
    return base::WriteFileInPlace("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1");
  });
  ASSERT_TRUE(forbidden) << forbidden.error().message;
  const auto allowed = AllowIpv6(other.Path());
  ASSERT_TRUE(allowed) << allowed.error().message;
  ASSERT_TRUE(BringLoopbackUp(other.Path()));
  const auto addresses = InNetworkNamespace(
      other.Path(), [] { return base::ReadFile("/proc/thread-self/net/if_inet6"); });
  ASSERT_TRUE(addresses) << addresses.error().message;
  EXPECT_THAT(*addresses, HasSubstr("00000000000000000000000000000001"));
  EXPECT_EQ(Ipv6IsOff(), before) << "here it is as it was";
}

TEST(AllowIpv6, FailsWithoutTheNamespace) { EXPECT_FALSE(AllowIpv6("/proc/2147483647/ns/net")); }

TEST(InterfaceAddresses, GlobalOnesWithIPv4First) {
  const bool made = RunIp("link add eth0 type veth peer name peer0") &&
                    RunIp("address add fd00::5/64 dev eth0 nodad") &&
                    RunIp("address add 10.9.8.7/24 dev eth0") && RunIp("link set eth0 up");
  if (!made) GTEST_SKIP() << "no veth pair can be made here";
  RunIp("link set peer0 up");
  EXPECT_THAT(InterfaceAddresses("/proc/self/ns/net", "eth0").value(),
              ElementsAre("10.9.8.7", "fd00::5"));
  EXPECT_THAT(InterfaceAddresses("/proc/self/ns/net", "peer0").value(), IsEmpty())
      << "link-local addresses do not count";
  RunIp("link delete eth0");
}

TEST(InterfaceAddresses, NoneWithoutTheInterface) {
  EXPECT_THAT(InterfaceAddresses("/proc/self/ns/net", "eth7").value(), IsEmpty());
}

TEST(InterfaceAddresses, FailsWithoutTheNamespace) {
  EXPECT_FALSE(InterfaceAddresses("/proc/2147483647/ns/net", "eth0"));
}

TEST(MakeStandInInterface, HasTheAddressesUnlessThereIsOne) {
  const OtherNamespace other;
  ASSERT_TRUE(AllowIpv6(other.Path()));
  const std::vector<std::string> addresses = {"10.9.8.7", "10.9.8.6", "fd00::7"};
  for (const bool is_first : {true, false}) {
    const auto made = MakeStandInInterface(
        other.Path(), "eth0", is_first ? addresses : std::vector<std::string>{"10.1.1.1"});
    ASSERT_TRUE(made) << made.error().message;
    EXPECT_EQ(*made, is_first);
    EXPECT_THAT(InterfaceAddresses(other.Path(), "eth0").value(),
                ElementsAre("10.9.8.7", "fd00::7"));
    // The label of a second address.
    EXPECT_THAT(InterfaceAddresses(other.Path(), "eth0:1").value(), ElementsAre("10.9.8.6"));
  }
  for (int times = 0; times < 2; ++times) {
    ASSERT_TRUE(RemoveStandInInterface(other.Path(), "eth0"));
    EXPECT_THAT(InterfaceAddresses(other.Path(), "eth0").value(), IsEmpty());
  }
  const auto nowhere = MakeStandInInterface("/proc/2147483647/ns/net", "eth0", addresses);
  ASSERT_FALSE(nowhere);
  EXPECT_EQ(nowhere.error().code, Code::kNotFound);
}

}  // namespace
}  // namespace dockershimd::shim::linuxos
