#include "shim/stats/disk_use.h"

#include <gtest/gtest.h>

#include <functional>
#include <thread>

#include "recorded_tree.h"

namespace dockershimd::shim::stats {
namespace {

using std::chrono::milliseconds;

/// Waits until it holds: the thread of DiskUse has its own pace.
bool Eventually(const std::function<bool()>& holds) {
  for (int tries = 0; tries < 2000; ++tries) {
    if (holds()) return true;
    std::this_thread::sleep_for(milliseconds(5));
  }
  return false;
}

class DiskUseTest : public testing::Test {
 protected:
  DiskUseTest()
      : disk_({.interval = milliseconds(20),
               .settling = std::chrono::seconds(1000),
               .mount_info = tree_.Root() + "/mountinfo"}) {
    layout_ = {tree_.Root(), tree_.Root() + "/layers", tree_.Root() + "/blobs"};
  }

  void AddFile(const std::string& path) const { tree_.Write(path, std::string(50'000, 'x')); }

  testsupport::RecordedTree tree_;
  StoreLayout layout_;
  DiskUse disk_;
};

TEST_F(DiskUseTest, NothingBeforeItIsStarted) {
  AddFile("/layers/1/fs/a");
  EXPECT_FALSE(disk_.Layer(tree_.Root() + "/layers/1/fs"));
  EXPECT_FALSE(disk_.Store(layout_));
}

TEST_F(DiskUseTest, ALayerGrows) {
  const std::string folder = tree_.Root() + "/layers/1/fs";
  AddFile("/layers/1/fs/a");
  disk_.Start();
  ASSERT_TRUE(Eventually([&] { return disk_.Layer(folder).has_value(); }));
  const auto first = *disk_.Layer(folder);
  EXPECT_EQ(first.use.inodes, 2U);
  EXPECT_GE(first.use.bytes, 50'000U);
  EXPECT_GT(first.measured_at, 0);
  AddFile("/layers/1/fs/b");
  EXPECT_TRUE(Eventually([&] { return disk_.Layer(folder)->use.inodes == 3; }));
  EXPECT_GT(disk_.Layer(folder)->measured_at, first.measured_at);
}

TEST_F(DiskUseTest, ALayerThatHasGoneKeepsItsLastMeasure) {
  const std::string folder = tree_.Root() + "/layers/1/fs";
  AddFile("/layers/1/fs/a");
  disk_.Start();
  ASSERT_TRUE(Eventually([&] { return disk_.Layer(folder).has_value(); }));
  tree_.Remove("/layers/1");
  std::this_thread::sleep_for(milliseconds(100));
  EXPECT_EQ(disk_.Layer(folder)->use.inodes, 2U);
  EXPECT_FALSE(disk_.Layer(tree_.Root() + "/never"));
}

TEST_F(DiskUseTest, TheStore) {
  AddFile("/layers/1/fs/a");
  AddFile("/layers/2/fs/a");
  AddFile("/blobs/sha256/1");
  tree_.Write("/mountinfo", "1 2 0:54 / /merged rw - overlay overlay rw,upperdir=" + tree_.Root() +
                                "/layers/2/fs\n");
  disk_.Start();
  ASSERT_TRUE(Eventually([&] {
    const auto use = disk_.Store(layout_);
    return use && use->containers.inodes == 2;
  }));
  const auto use = *disk_.Store(layout_);
  // layers/1, fs, a; blobs, sha256, 1
  EXPECT_EQ(use.images.inodes, 6U);
  EXPECT_GE(use.images.bytes, 100'000U);
  EXPECT_GT(use.measured_at, 0);
  AddFile("/layers/3/fs/a");
  EXPECT_TRUE(Eventually([&] { return disk_.Store(layout_)->images.inodes == 9; }));
}

TEST_F(DiskUseTest, AnotherStoreIsMeasuredAnew) {
  AddFile("/layers/1/fs/a");
  disk_.Start();
  ASSERT_TRUE(Eventually([&] { return disk_.Store(layout_).has_value(); }));
  const StoreLayout other{tree_.Root(), tree_.Root() + "/none", ""};
  ASSERT_TRUE(Eventually([&] { return disk_.Store(other).has_value(); }));
  EXPECT_EQ(disk_.Store(other)->images.inodes, 0U);
}

TEST_F(DiskUseTest, EndsInTheMiddleOfAWalk) {
  for (int file = 0; file < 3000; ++file) {
    tree_.Write("/layers/1/fs/" + std::to_string(file), "");
  }
  DiskUse disk({.interval = milliseconds(1), .mount_info = ""});
  disk.Start();
  (void)disk.Layer(tree_.Root() + "/layers/1/fs");
  std::this_thread::sleep_for(milliseconds(5));
}

}  // namespace
}  // namespace dockershimd::shim::stats
