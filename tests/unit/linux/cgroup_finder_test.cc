#include "shim/linux/cgroup_finder.h"

#include <gtest/gtest.h>

#include "recorded_tree.h"

namespace dockershimd::shim::linuxos {
namespace {

const std::string kId(64, 'c');
const std::string kCgroup = "/kubepods/burstable/pod1/" + kId;
constexpr int kPid = 42;

TEST(CgroupFinder, LooksForMountsUntilThereAreSomeAndThenNoMore) {
  const testsupport::RecordedTree tree;
  const CgroupFinder finder(tree.Root());
  EXPECT_FALSE(finder.Find(kPid, kId));
  tree.Write("/proc/self/mountinfo", "");
  EXPECT_FALSE(finder.Find(kPid, kId));
  tree.AddV2(kCgroup, kPid);
  const auto found = finder.Find(kPid, kId);
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->path, kCgroup);
  EXPECT_EQ(found->unified, tree.Root() + "/sys/fs/cgroup" + kCgroup);
  tree.Write("/proc/self/mountinfo", "");
  const auto again = finder.Find(kPid, kId);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(*again, *found);
}

TEST(CgroupFinder, AProcessThatIsAnothersByNowIsNotFound) {
  const testsupport::RecordedTree tree;
  tree.AddV2(kCgroup, kPid);
  const auto found = CgroupFinder(tree.Root()).Find(kPid, std::string(64, 'd'));
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, base::Code::kNotFound);
}

}  // namespace
}  // namespace dockershimd::shim::linuxos
