#include "shim/network/pod_cidrs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "stub_plugins.h"

namespace dockershimd::shim::network {
namespace {

using base::Code;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(PodCidrs, AreKeptOverARestart) {
  const TemporaryFolder folder;
  const auto file = folder.Path() / "state" / "cidrs";
  PodCidrs before(file);
  EXPECT_THAT(before.Get(), IsEmpty());
  ASSERT_TRUE(before.Set("10.1.0.0/24, fd00:1::/64"));
  EXPECT_THAT(before.Get(), ElementsAre("10.1.0.0/24", "fd00:1::/64"));
  EXPECT_THAT(PodCidrs(file).Get(), ElementsAre("10.1.0.0/24", "fd00:1::/64"));
}

TEST(PodCidrs, AnEmptyTextChangesNothing) {
  const TemporaryFolder folder;
  PodCidrs cidrs(folder.Path() / "cidrs");
  ASSERT_TRUE(cidrs.Set("10.1.0.0/24"));
  ASSERT_TRUE(cidrs.Set(""));
  ASSERT_TRUE(cidrs.Set(" , "));
  EXPECT_THAT(cidrs.Get(), ElementsAre("10.1.0.0/24"));
}

TEST(PodCidrs, WhatIsNoCidrIsRefusedByItsName) {
  const TemporaryFolder folder;
  PodCidrs cidrs(folder.Path() / "cidrs");
  for (const char* wrong : {"10.1.0.0", "10.1.0.0/33", "10.1.0/24", "fd00::/129", "/24",
                            "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/8x"}) {
    const auto set = cidrs.Set(std::string("10.2.0.0/24,") + wrong);
    ASSERT_FALSE(set) << wrong;
    EXPECT_EQ(set.error().code, Code::kInvalidArgument);
    EXPECT_THAT(set.error().message, HasSubstr(wrong));
  }
  EXPECT_THAT(cidrs.Get(), IsEmpty());
}

TEST(PodCidrs, WorkWithoutAPlaceToKeepThem) {
  PodCidrs cidrs("/proc/nowhere/cidrs");
  EXPECT_TRUE(cidrs.Set("10.1.0.0/24"));
  EXPECT_THAT(cidrs.Get(), ElementsAre("10.1.0.0/24"));
}

}  // namespace
}  // namespace dockershimd::shim::network
