#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "shim/linux/process_identity.h"

namespace dockershimd::shim::linuxos {
namespace {

using base::Code;
using testing::ElementsAre;
using testing::IsEmpty;

/// A /proc of the test's own.
class OtherProcess : public testing::Test {
 protected:
  OtherProcess() {
    std::string name = testing::TempDir() + "procXXXXXX";
    folder_ = mkdtemp(name.data());
    std::filesystem::create_directories(folder_ / "7");
  }
  ~OtherProcess() override { std::filesystem::remove_all(folder_); }

  void Write(const std::string& name, const std::string& text) {
    std::ofstream(folder_ / name) << text;
  }

  std::filesystem::path folder_;
};

TEST_F(OtherProcess, Identity) {
  Write("7/status", "Name:\tUid: 5\nUid:\t10\t11\t12\t13\nGid:\t20\t21\t22\t23\nGroups:\t3 4 5 \n");
  const auto identity = IdentityOf(7, folder_);
  ASSERT_TRUE(identity);
  EXPECT_EQ(identity->uid, 10);
  EXPECT_EQ(identity->gid, 20);
  EXPECT_THAT(identity->groups, ElementsAre(3, 4, 5));
  EXPECT_EQ(IdentityOf(8, folder_).error().code, Code::kNotFound);
}

TEST_F(OtherProcess, IdentityWithoutGroups) {
  Write("7/status", "Uid:\t1\t1\t1\t1\nGid:\t2\t2\t2\t2\nGroups:\t\n");
  EXPECT_THAT(IdentityOf(7, folder_)->groups, IsEmpty());
}

TEST(Identity, OurOwn) {
  const auto identity = IdentityOf(getpid());
  ASSERT_TRUE(identity);
  EXPECT_EQ(identity->uid, getuid());
  EXPECT_EQ(identity->gid, getgid());
}

}  // namespace
}  // namespace dockershimd::shim::linuxos
