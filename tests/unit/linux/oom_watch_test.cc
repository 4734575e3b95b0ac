#include "shim/linux/oom_watch.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace dockershimd::shim::linuxos {
namespace {

/// A cgroup as the kernel shows it; the kernel's notifications are left out, its counters are not.
class OomWatchTest : public testing::Test {
 protected:
  OomWatchTest() {
    std::string name = "/tmp/oom-watch-test-XXXXXX";
    folder_ = ::mkdtemp(name.data());
  }
  ~OomWatchTest() override { std::filesystem::remove_all(folder_); }

  void Write(const std::string& file, const std::string& text) const {
    std::ofstream(folder_ / file) << text;
  }

  std::filesystem::path folder_;
  OomWatch watch_;
};

TEST_F(OomWatchTest, UnifiedHierarchy) {
  CgroupFolders folders;
  folders.unified = folder_;
  EXPECT_FALSE(watch_.Watch("c1", folders)) << "there is no memory.events yet";
  Write("memory.events", "low 0\nhigh 0\nmax 3\noom 0\noom_kill 0\noom_group_kill 0\n");
  ASSERT_TRUE(watch_.Watch("c1", folders));
  ASSERT_TRUE(watch_.Watch("c1", folders)) << "a second time changes nothing";
  EXPECT_FALSE(watch_.WasHit("c1"));
  Write("memory.events", "low 0\nhigh 0\nmax 9\noom 1\noom_kill 1\noom_group_kill 0\n");
  EXPECT_TRUE(watch_.WasHit("c1"));
  // Once hit, whatever the files say later.
  Write("memory.events", "");
  EXPECT_TRUE(watch_.WasHit("c1"));
  watch_.Forget("c1");
  EXPECT_FALSE(watch_.WasHit("c1"));
}

TEST_F(OomWatchTest, MemoryController) {
  CgroupFolders folders;
  folders.memory = folder_;
  Write("memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 0\n");
  Write("cgroup.event_control", "");
  ASSERT_TRUE(watch_.Watch("c1", folders));
  std::string subscribed;
  std::getline(std::ifstream(folder_ / "cgroup.event_control"), subscribed);
  EXPECT_NE(subscribed.find(' '), std::string::npos) << "an eventfd and the file that it is about";
  EXPECT_FALSE(watch_.WasHit("c1"));
  Write("memory.oom_control", "oom_kill_disable 0\nunder_oom 1\noom_kill 0\n");
  EXPECT_TRUE(watch_.WasHit("c1"));
}

TEST_F(OomWatchTest, HitBeforeItWasWatched) {
  CgroupFolders folders;
  folders.unified = folder_;
  Write("memory.events", "oom_kill 1\n");
  ASSERT_TRUE(watch_.Watch("c1", folders));
  EXPECT_TRUE(watch_.WasHit("c1"));
}

TEST_F(OomWatchTest, NothingToWatch) {
  EXPECT_FALSE(watch_.Watch("c1", CgroupFolders()));
  EXPECT_FALSE(watch_.WasHit("c1"));
}

}  // namespace
}  // namespace dockershimd::shim::linuxos
