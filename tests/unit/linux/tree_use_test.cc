#include "shim/linux/tree_use.h"

#include <gtest/gtest.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "recorded_tree.h"

namespace dockershimd::shim::linuxos {
namespace {

namespace fs = std::filesystem;

std::optional<TreeUse> Measure(const std::string& folder) {
  return MeasureTree(folder, [] { return true; });
}

class TreeUseTest : public testing::Test {
 protected:
  [[nodiscard]] std::string Folder() const { return tree_.Root() + "/top"; }

  testsupport::RecordedTree tree_;
};

TEST_F(TreeUseTest, CountsWhatIsOnDisk) {
  tree_.Write("/top/a", std::string(100'000, 'x'));
  tree_.Write("/top/b/c/d", "");
  const auto use = Measure(Folder());
  ASSERT_TRUE(use);
  EXPECT_EQ(use->inodes, 5U);  // top, a, b, c, d
  EXPECT_GE(use->bytes, 100'000U);
  EXPECT_LT(use->bytes, 200'000U);
}

TEST_F(TreeUseTest, AFileWithTwoNamesCountsOnce) {
  tree_.Write("/top/a", std::string(100'000, 'x'));
  const auto before = Measure(Folder());
  fs::create_hard_link(Folder() + "/a", Folder() + "/b");
  EXPECT_EQ(Measure(Folder()), before);
}

TEST_F(TreeUseTest, HolesTakeNothing) {
  tree_.Write("/top/a", "");
  fs::resize_file(Folder() + "/a", 100'000'000);
  EXPECT_LT(Measure(Folder())->bytes, 100'000U);
}

TEST_F(TreeUseTest, NeverLeavesTheFolder) {
  tree_.Write("/elsewhere/big", std::string(1'000'000, 'x'));
  tree_.Write("/top/a", "");
  fs::create_directory_symlink(tree_.Root() + "/elsewhere", Folder() + "/link");
  const auto use = Measure(Folder());
  EXPECT_EQ(use->inodes, 3U);
  EXPECT_LT(use->bytes, 100'000U);
  EXPECT_FALSE(Measure(Folder() + "/link"));
}

TEST_F(TreeUseTest, EndsWhenItIsTold) {
  for (int file = 0; file < 600; ++file) tree_.Write("/top/" + std::to_string(file), "");
  int asked = 0;
  EXPECT_FALSE(MeasureTree(Folder(), [&] { return ++asked < 2; }));
  EXPECT_EQ(asked, 2);
}

TEST_F(TreeUseTest, NoSuchFolder) {
  EXPECT_FALSE(Measure(Folder()));
  tree_.Write("/top", "a file");
  EXPECT_FALSE(Measure(Folder()));
}

TEST_F(TreeUseTest, DeeperThanAPathIsLong) {
  fs::create_directories(Folder());
  // By steps: a path of this length cannot be named.
  const auto before = fs::current_path();
  fs::current_path(Folder());
  const std::string name(200, 'd');
  for (int depth = 0; depth < 40; ++depth) {
    ASSERT_EQ(::mkdir(name.c_str(), 0700), 0);
    ASSERT_EQ(::chdir(name.c_str()), 0);
  }
  fs::current_path(before);
  const auto use = Measure(Folder());
  ASSERT_TRUE(use);
  EXPECT_GT(use->inodes, 15U);
  ASSERT_EQ(std::system(("rm -rf '" + Folder() + "'").c_str()), 0);
}

}  // namespace
}  // namespace dockershimd::shim::linuxos
