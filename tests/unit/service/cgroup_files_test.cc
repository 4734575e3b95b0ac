#include "shim/service/cgroup_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/file.h"

namespace dockershimd::shim::service {
namespace {

using base::Code;
using testing::HasSubstr;
using translate::CgroupFile;

const std::string kV1Mounts =
    "30 1 0:30 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
    "31 1 0:31 / /sys/fs/cgroup/hugetlb rw - cgroup cgroup rw,hugetlb\n"
    "32 1 0:32 / /sys/fs/cgroup/unified rw - cgroup2 cgroup rw\n";
const std::string kV2Mounts = "30 1 0:30 / /sys/fs/cgroup rw - cgroup2 cgroup rw\n";

/// A /proc and a /sys/fs/cgroup of the test's own, with container "c1" and its process 7.
class CgroupFiles : public testing::Test {
 protected:
  CgroupFiles() {
    std::string name = testing::TempDir() + "cgroupXXXXXX";
    root_ = mkdtemp(name.data());
  }
  ~CgroupFiles() override { std::filesystem::remove_all(root_); }

  void Write(const std::string& path, const std::string& text) {
    const std::filesystem::path file = root_ + path;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }
  std::string Read(const std::string& path) { return base::ReadFile(root_ + path).value_or("?"); }
  base::Status Apply(const std::vector<CgroupFile>& files, int pid = 7) {
    return WriteCgroupFiles(pid, "c1", files, root_);
  }

  std::string root_;
};

TEST_F(CgroupFiles, OnV2) {
  Write("/proc/self/mountinfo", kV2Mounts);
  Write("/proc/7/cgroup", "0::/pod/c1\n");
  Write("/sys/fs/cgroup/pod/c1/memory.high", "max\n");
  Write("/sys/fs/cgroup/pod/c1/hugetlb.2MB.max", "max\n");
  ASSERT_TRUE(Apply({{false, "memory.high", "5", false}, {true, "hugetlb.2MB.max", "6", true}}));
  EXPECT_THAT(Read("/sys/fs/cgroup/pod/c1/memory.high"), HasSubstr("5"));
  EXPECT_THAT(Read("/sys/fs/cgroup/pod/c1/hugetlb.2MB.max"), HasSubstr("6"));
}

TEST_F(CgroupFiles, OnV1) {
  Write("/proc/self/mountinfo", kV1Mounts);
  Write("/proc/7/cgroup", "4:memory:/pod/c1\n3:hugetlb:/pod/c1\n0::/\n");
  Write("/sys/fs/cgroup/hugetlb/pod/c1/hugetlb.2MB.limit_in_bytes", "9\n");
  ASSERT_TRUE(Apply({{true, "hugetlb.2MB.limit_in_bytes", "6", true}}));
  EXPECT_THAT(Read("/sys/fs/cgroup/hugetlb/pod/c1/hugetlb.2MB.limit_in_bytes"), HasSubstr("6"));
}

TEST_F(CgroupFiles, WhatTheKernelDoesNotHave) {
  Write("/proc/self/mountinfo", kV2Mounts);
  Write("/proc/7/cgroup", "0::/pod/c1\n");
  EXPECT_TRUE(Apply({{true, "hugetlb.2MB.rsvd.max", "6", true}}));
  const auto missing = Apply({{false, "memory.zswap.max", "6", false}});
  ASSERT_FALSE(missing);
  EXPECT_THAT(missing.error().message, HasSubstr("resources: set memory.zswap.max"));
}

TEST_F(CgroupFiles, NoHugetlbControllerOnV1) {
  Write("/proc/self/mountinfo", kV1Mounts);
  Write("/proc/7/cgroup", "4:memory:/pod/c1\n");
  EXPECT_TRUE(Apply({{true, "hugetlb.2MB.limit_in_bytes", "6", true}}));
}

TEST_F(CgroupFiles, AContainerThatHasEnded) {
  Write("/proc/self/mountinfo", kV2Mounts);
  EXPECT_TRUE(Apply({{false, "memory.high", "5", false}}));
}

TEST_F(CgroupFiles, NeverAnotherContainers) {
  Write("/proc/self/mountinfo", kV2Mounts);
  Write("/proc/7/cgroup", "0::/pod/c2\n");
  Write("/sys/fs/cgroup/pod/c2/memory.high", "max\n");
  EXPECT_FALSE(Apply({{false, "memory.high", "5", false}}));
  EXPECT_EQ(Read("/sys/fs/cgroup/pod/c2/memory.high"), "max\n");
}

}  // namespace
}  // namespace dockershimd::shim::service
