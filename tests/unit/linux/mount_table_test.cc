#include "shim/linux/mount_table.h"

#include <gtest/gtest.h>
#include <sys/mount.h>

#include <cstdlib>
#include <filesystem>

namespace dockershimd::shim::linuxos {
namespace {

TEST(MountTable, EachChangeIsToldOnce) {
  std::string folder =
      (std::filesystem::temp_directory_path() / "dockershimd-mounts.XXXXXX").string();
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  MountTable table("/proc/self/mountinfo");
  EXPECT_TRUE(table.HasChanged());
  EXPECT_FALSE(table.HasChanged());
  ASSERT_EQ(::mount("none", folder.c_str(), "tmpfs", 0, nullptr), 0);
  EXPECT_TRUE(table.HasChanged());
  EXPECT_FALSE(table.HasChanged());
  ASSERT_EQ(::umount(folder.c_str()), 0);
  EXPECT_TRUE(table.HasChanged());
  EXPECT_FALSE(table.HasChanged());
  std::filesystem::remove(folder);
}

TEST(MountTable, WhatCannotBeOpenedMayHaveChanged) {
  MountTable table("/nonexistent/mountinfo");
  EXPECT_TRUE(table.HasChanged());
  EXPECT_TRUE(table.HasChanged());
}

}  // namespace
}  // namespace dockershimd::shim::linuxos
