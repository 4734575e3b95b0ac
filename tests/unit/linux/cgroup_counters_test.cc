#include "shim/linux/cgroup_counters.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <iterator>

#include "recorded_tree.h"
#include "shim/linux/network_counters.h"
#include "shim/linux/process_files.h"

namespace dockershimd::shim::linuxos {
namespace {

class Counters : public testing::Test {
 protected:
  [[nodiscard]] CgroupHandle MemoryV1() const {
    tree_.WriteMemoryV1("/memory");
    CgroupFolders folders;
    folders.memory = tree_.Root() + "/memory";
    return CgroupHandle(folders);
  }
  [[nodiscard]] CgroupHandle V2() const {
    tree_.WriteV2("/v2");
    CgroupFolders folders;
    folders.unified = tree_.Root() + "/v2";
    return CgroupHandle(folders);
  }

  testsupport::RecordedTree tree_;
};

TEST_F(Counters, AreReadAnewFromFilesThatStayOpen) {
  const auto open_files = [] {
    const std::filesystem::directory_iterator all("/proc/self/fd");
    return std::distance(begin(all), end(all));
  };
  const auto before = open_files();
  {
    const auto cgroup = V2();
    ASSERT_TRUE(ReadCpu(cgroup, Detail::kStats));
    ASSERT_TRUE(ReadMemory(cgroup, Detail::kMetrics));
    const auto open = open_files();
    // The folder is one of them.
    EXPECT_GT(open, before + 1);
    for (const std::uint64_t usage : {1'000'000U, 7U}) {
      tree_.Write("/v2/memory.current", std::to_string(usage) + "\n");
      const auto memory = ReadMemory(cgroup, Detail::kMetrics);
      ASSERT_TRUE(memory);
      EXPECT_EQ(memory->usage, usage);
    }
    EXPECT_EQ(open_files(), open);
    tree_.Remove("/v2");
    EXPECT_FALSE(ReadMemory(cgroup, Detail::kStats));
    EXPECT_FALSE(ReadCpu(cgroup, Detail::kStats));
  }
  EXPECT_EQ(open_files(), before);
}

TEST_F(Counters, MemoryOnV1) {
  const auto memory = ReadMemory(MemoryV1(), Detail::kMetrics);
  ASSERT_TRUE(memory);
  EXPECT_EQ(memory->usage, 1130496U);
  EXPECT_EQ(memory->WorkingSet(), 1130496U - 307200U);
  EXPECT_EQ(memory->limit, 99999744U);
  EXPECT_EQ(memory->rss, 86016U);
  EXPECT_EQ(memory->cache, 311296U);
  EXPECT_EQ(memory->page_faults, 18565U);
  EXPECT_EQ(memory->major_page_faults, 7U);
  EXPECT_EQ(memory->swap, 8192U);
  EXPECT_EQ(memory->swap_limit, 99999744U);
  EXPECT_EQ(memory->max_usage, 4067328U);
  EXPECT_EQ(memory->kernel, 270336U);
  EXPECT_EQ(memory->limit_hits, 3U);
  EXPECT_EQ(memory->oom_kills, 2U);
}

TEST_F(Counters, NoLimitsOnV1) {
  const auto cgroup = MemoryV1();
  tree_.Write("/memory/memory.limit_in_bytes", "9223372036854771712\n");
  tree_.Write("/memory/memory.memsw.limit_in_bytes", "9223372036854771712\n");
  // Of the pod above it.
  tree_.Write("/memory/memory.stat",
              "hierarchical_memory_limit 1000000\nhierarchical_memsw_limit 9223372036854771712\n");
  const auto memory = ReadMemory(cgroup, Detail::kStats);
  ASSERT_TRUE(memory);
  EXPECT_FALSE(memory->limit);
  EXPECT_EQ(memory->swap, 0U);
  EXPECT_FALSE(memory->swap_limit);
}

TEST_F(Counters, SwapIsNotAccountedOnV1) {
  const auto cgroup = MemoryV1();
  tree_.Write("/memory/memory.stat", "hierarchical_memory_limit 99999744\ntotal_rss 1\n");
  tree_.Remove("/memory/memory.memsw.limit_in_bytes");
  const auto memory = ReadMemory(cgroup, Detail::kStats);
  ASSERT_TRUE(memory);
  EXPECT_EQ(memory->limit, 99999744U);
  EXPECT_FALSE(memory->swap);
  EXPECT_FALSE(memory->swap_limit);
}

TEST_F(Counters, MemoryOnV2) {
  const auto memory = ReadMemory(V2(), Detail::kMetrics);
  ASSERT_TRUE(memory);
  EXPECT_EQ(memory->usage, 20971520U);
  EXPECT_EQ(memory->WorkingSet(), 20971520U - 5242880U);
  EXPECT_EQ(memory->limit, 104857600U);
  EXPECT_EQ(memory->rss, 10485760U);
  EXPECT_EQ(memory->mapped_file, 2097152U);
  EXPECT_EQ(memory->page_faults, 12345U);
  EXPECT_EQ(memory->major_page_faults, 67U);
  EXPECT_EQ(memory->swap, 4096U);
  EXPECT_FALSE(memory->swap_limit);
  EXPECT_EQ(memory->max_usage, 31457280U);
  EXPECT_EQ(memory->kernel, 1048576U);
  EXPECT_EQ(memory->limit_hits, 6U);
  EXPECT_EQ(memory->oom_kills, 1U);
}

TEST(MemoryCounters, TheWorkingSetIsNeverNegative) {
  MemoryCounters memory;
  memory.usage = 10;
  memory.inactive_file = 11;
  EXPECT_EQ(memory.WorkingSet(), 0U);
}

TEST_F(Counters, CpuTasksIoAndPressureOnV2) {
  const auto cgroup = V2();
  const auto cpu = ReadCpu(cgroup, Detail::kStats);
  ASSERT_TRUE(cpu);
  EXPECT_EQ(cpu->usage_ns, 2500000000U);
  EXPECT_EQ(cpu->user_ns, 2000000000U);
  EXPECT_EQ(cpu->periods, 10U);
  EXPECT_EQ(cpu->throttled_periods, 4U);
  EXPECT_EQ(cpu->throttled_ns, 70000000U);
  const auto tasks = ReadTasks(cgroup, Detail::kMetrics);
  ASSERT_TRUE(tasks);
  EXPECT_EQ(tasks->tasks, 9U);
  EXPECT_EQ(tasks->limit, 100U);
  const auto io = ReadIo(cgroup);
  ASSERT_EQ(io.size(), 2U);
  EXPECT_EQ(io[0].minor, 16U);
  EXPECT_EQ(io[0].written_bytes, 314773504U);
  EXPECT_EQ(io[0].reads, 192U);
  for (const auto resource : {Resource::kCpu, Resource::kMemory, Resource::kIo}) {
    const auto pressure = ReadPressure(cgroup, resource);
    ASSERT_TRUE(pressure && pressure->some && pressure->full);
    EXPECT_EQ(pressure->some->avg10, 1.5);
    EXPECT_EQ(pressure->some->avg300, 0.05);
    EXPECT_EQ(pressure->full->total_us, 2493U);
  }
}

TEST_F(Counters, NothingIsThere) {
  const CgroupHandle nowhere{CgroupFolders()};
  EXPECT_FALSE(ReadCpu(nowhere, Detail::kMetrics));
  EXPECT_FALSE(ReadMemory(nowhere, Detail::kMetrics));
  EXPECT_FALSE(ReadTasks(nowhere, Detail::kMetrics));
  EXPECT_FALSE(ReadPressure(nowhere, Resource::kCpu));
  EXPECT_TRUE(ReadIo(nowhere).empty());
  const auto gone = V2();
  tree_.Remove("/v2");
  EXPECT_FALSE(ReadCpu(gone, Detail::kStats));
  EXPECT_FALSE(ReadMemory(gone, Detail::kStats));
}

TEST(Parsers, OddText) {
  EXPECT_FALSE(ParsePressure(""));
  EXPECT_FALSE(ParsePressure("none avg10=1\n"));
  const auto pressure = ParsePressure("some avg10 avg60=x total=-1\n");
  ASSERT_TRUE(pressure && pressure->some);
  EXPECT_EQ(pressure->some->total_us, 0U);
  EXPECT_TRUE(ParseIoStat("x:1 rbytes=1\n8:y\n8 rbytes\n").empty());
  EXPECT_TRUE(ParseBlkio("Total 0\n", "Total 0\n").empty());
  const auto devices = ParseBlkio("8:0 Read 1\n8:16 Write 2\n", "8:16 Write 3\n");
  ASSERT_EQ(devices.size(), 2U);
  EXPECT_EQ(devices[1].writes, 3U);
}

TEST(Interfaces, WithoutLoopback) {
  const auto interfaces = ParseNetDev(
      "Inter-|   Receive                            |  Transmit\n"
      " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs "
      "drop fifo colls carrier compressed\n"
      "    lo:     1   2    3    4    0     0          0         0        1   2    3    4    0     "
      "0       0          0\n"
      "  eth0:123456789012 11 12 13 0 0 0 0 21 22 23 24 0 0 0 0\n"
      "eth0.5: 1 2\n");
  ASSERT_EQ(interfaces.size(), 2U);
  EXPECT_EQ(interfaces[0],
            (InterfaceCounters{"eth0", {123456789012, 11, 12, 13}, {21, 22, 23, 24}}));
  EXPECT_EQ(interfaces[1], (InterfaceCounters{"eth0.5", {1, 2, 0, 0}, {}}));
  EXPECT_TRUE(ParseNetDev("").empty());
}

TEST(BlockDevice, Name) {
  const testsupport::RecordedTree tree;
  tree.Write("/sys/dev/block/none", "");
  std::filesystem::create_symlink("../../devices/pci/block/sda",
                                  tree.Root() + "/sys/dev/block/8:0");
  EXPECT_EQ(BlockDeviceName(tree.Root() + "/sys", 8, 0), "/dev/sda");
  EXPECT_EQ(BlockDeviceName(tree.Root() + "/sys", 8, 1), "8:1");
}

TEST(Processes, OfACgroupAndThoseBelow) {
  const testsupport::RecordedTree tree;
  tree.Write("/cg/cgroup.procs", "1\n2\n");
  tree.Write("/cg/below/cgroup.procs", "3\n");
  tree.Write("/proc/1/fd/0", "");
  tree.Write("/proc/3/fd/0", "");
  std::filesystem::create_symlink("socket:[123]", tree.Root() + "/proc/3/fd/1");
  CgroupFolders folders;
  folders.unified = tree.Root() + "/cg";
  const auto counters = CountProcesses(folders, tree.Root() + "/proc");
  EXPECT_EQ(counters.processes, 3U);
  EXPECT_EQ(counters.descriptors, 3U);
  EXPECT_EQ(counters.sockets, 1U);
}

}  // namespace
}  // namespace dockershimd::shim::linuxos
