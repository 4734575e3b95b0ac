#include "shim/linux/cgroup_folders.h"

#include <gtest/gtest.h>

namespace dockershimd::shim::linuxos {
namespace {

const std::string kId(64, 'c');

std::vector<MountInfo> Mounts(const std::string& text) { return ParseMountInfo(text); }

const std::string kV2Mount = "29 22 0:25 / /sys/fs/cgroup rw shared:4 - cgroup2 cgroup2 rw\n";

TEST(ContainerFolders, CgroupfsOnV2) {
  const std::string path = "/kubepods/burstable/pod1/" + kId;
  const auto folders = ContainerFolders("0::" + path + "\n", Mounts(kV2Mount), kId);
  ASSERT_TRUE(folders) << folders.error().message;
  EXPECT_EQ(folders->path, path);
  EXPECT_EQ(folders->unified, "/sys/fs/cgroup" + path);
  EXPECT_EQ(folders->memory, "");
  const auto pod = ParentFolders(*folders);
  EXPECT_EQ(pod.path, "/kubepods/burstable/pod1");
  EXPECT_EQ(pod.unified, "/sys/fs/cgroup/kubepods/burstable/pod1");
  EXPECT_EQ(pod.memory, "");
}

TEST(ContainerFolders, SystemdOnV2) {
  const std::string slice =
      "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1.slice";
  const std::string scope = slice + "/docker-" + kId + ".scope";
  const auto folders = ContainerFolders("0::" + scope + "\n", Mounts(kV2Mount), kId);
  ASSERT_TRUE(folders) << folders.error().message;
  EXPECT_EQ(folders->unified, "/sys/fs/cgroup" + scope);
  EXPECT_EQ(ParentFolders(*folders).unified, "/sys/fs/cgroup" + slice);
}

TEST(ContainerFolders, AProcessThatMovedOnIsCountedWithItsContainer) {
  const auto folders =
      ContainerFolders("0::/docker/" + kId + "/init.scope\n", Mounts(kV2Mount), kId);
  ASSERT_TRUE(folders) << folders.error().message;
  EXPECT_EQ(folders->unified, "/sys/fs/cgroup/docker/" + kId);
}

TEST(ContainerFolders, ControllersShareAHierarchyOnV1) {
  const auto folders = ContainerFolders(
      "5:cpu,cpuacct:/docker/" + kId + "\n4:memory:/docker/" + kId + "\n",
      Mounts("30 24 0:26 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
             "31 24 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"),
      kId);
  ASSERT_TRUE(folders) << folders.error().message;
  EXPECT_EQ(folders->cpu, "/sys/fs/cgroup/cpu,cpuacct/docker/" + kId);
  EXPECT_EQ(folders->cpuacct, folders->cpu);
  EXPECT_EQ(folders->memory, "/sys/fs/cgroup/memory/docker/" + kId);
  EXPECT_EQ(folders->pids, "");
  EXPECT_EQ(folders->unified, "");
}

TEST(ContainerFolders, AHierarchyThatTheRuntimeDoesNotUseIsLeftOut) {
  const auto folders =
      ContainerFolders("4:memory:/docker/" + kId + "\n0::/system.slice/docker.service\n",
                       Mounts("31 24 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
                              "32 24 0:28 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"),
                       kId);
  ASSERT_TRUE(folders) << folders.error().message;
  EXPECT_EQ(folders->unified, "");
}

TEST(ContainerFolders, PartOfAHierarchyIsMounted) {
  const std::string mount = "29 22 0:25 /outer /sys/fs/cgroup rw shared:4 - cgroup2 cgroup2 rw\n";
  const auto folders = ContainerFolders("0::/outer/docker/" + kId, Mounts(mount), kId);
  ASSERT_TRUE(folders) << folders.error().message;
  EXPECT_EQ(folders->unified, "/sys/fs/cgroup/docker/" + kId);
  EXPECT_FALSE(ContainerFolders("0::/outermost/" + kId, Mounts(mount), kId));
}

TEST(ContainerFolders, ALaterMountHidesAnEarlierOne) {
  const auto folders = ContainerFolders("0::/docker/" + kId,
                                        Mounts("29 22 0:25 /.. /first rw - cgroup2 cgroup2 rw\n"
                                               "30 22 0:25 / /second rw - cgroup2 cgroup2 rw\n"),
                                        kId);
  ASSERT_TRUE(folders) << folders.error().message;
  EXPECT_EQ(folders->unified, "/second/docker/" + kId);
}

TEST(ContainerFolders, APidThatSomebodyElseHasNow) {
  const auto folders = ContainerFolders("0::/system.slice/ssh.service\n", Mounts(kV2Mount), kId);
  ASSERT_FALSE(folders);
  EXPECT_EQ(folders.error().code, base::Code::kNotFound);
  EXPECT_FALSE(ContainerFolders("", Mounts(kV2Mount), kId));
  EXPECT_FALSE(ContainerFolders("no colons\n1:\n", Mounts(kV2Mount), kId));
  EXPECT_FALSE(ContainerFolders("0::/docker/" + kId, {}, kId));
  EXPECT_FALSE(ContainerFolders("0::/docker", Mounts(kV2Mount), ""));
}

TEST(MountInfo, FieldsAndEscapes) {
  const auto mounts = ParseMountInfo(
      "36 35 98:0 /a\\040b /mnt\\134x rw,noatime master:1 propagate_from:2 - ext3 /dev/root "
      "rw,errors=continue\n"
      "short line\n");
  ASSERT_EQ(mounts.size(), 1U);
  EXPECT_EQ(mounts[0].root, "/a b");
  EXPECT_EQ(mounts[0].mount_point, "/mnt\\x");
  EXPECT_EQ(mounts[0].type, "ext3");
  EXPECT_EQ(mounts[0].options, "rw,errors=continue");
}

TEST(MountInfo, UpperDirOfTheRoot) {
  const std::string proc = "135 134 0:57 / /proc rw - proc proc rw\n";
  const auto root = [&](const std::string& options) {
    return RootUpperDir(
        ParseMountInfo(proc + "134 93 0:54 / / rw,relatime - overlay overlay " + options + "\n"));
  };
  EXPECT_EQ(root("rw,lowerdir=/l/A:/l/B,upperdir=/d/1/diff,workdir=/d/1/work"), "/d/1/diff");
  EXPECT_EQ(root("rw,lowerdir=/l/A,upperdir=/d/a\\040b/fs"), "/d/a b/fs");
  EXPECT_EQ(root("ro,lowerdir=/l/A:/l/B"), "");
  EXPECT_EQ(root("rw,lowerdir=/l/A,upperdir=1/diff"), "");
  EXPECT_EQ(RootUpperDir(ParseMountInfo(proc)), "");
  EXPECT_EQ(RootUpperDir(ParseMountInfo("1 2 8:1 / / rw - ext4 /dev/sda1 rw,upperdir=/x\n")), "");
}

TEST(MountInfo, Options) {
  EXPECT_TRUE(HasOption("rw,cpu,cpuacct", "cpuacct"));
  EXPECT_TRUE(HasOption("rw,cpu", "cpu"));
  EXPECT_FALSE(HasOption("rw,cpuset", "cpu"));
  EXPECT_FALSE(HasOption("", "cpu"));
}

}  // namespace
}  // namespace dockershimd::shim::linuxos
