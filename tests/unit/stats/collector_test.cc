#include "shim/stats/collector.h"

#include <gtest/gtest.h>

#include <thread>

#include "recorded_tree.h"

namespace dockershimd::shim::stats {
namespace {

using linuxos::Detail;
using std::chrono::milliseconds;

const std::string kId(64, 'c');
constexpr int kPid = 42;
const std::string kPodCgroup = "/kubepods/burstable/pod1";
const std::string kCgroup = kPodCgroup + "/" + kId;

class CollectorTest : public testing::Test {
 protected:
  CollectorTest() : collector_(disk_, tree_.Root()) {}

  ContainerSample Sample(Detail detail = Detail::kStats) {
    return collector_.Sample(Collector::Container{kId, kPid, ""}, detail);
  }
  PodSample SamplePod(bool own_cgroup, const std::vector<ContainerSample>& containers = {},
                      Detail detail = Detail::kStats) {
    return collector_.Sample(Collector::Pod{kId, kPid, own_cgroup, true}, containers, detail);
  }

  testsupport::RecordedTree tree_;
  DiskUse disk_;
  Collector collector_;
};

TEST_F(CollectorTest, Hybrid) {
  tree_.AddHybrid(kCgroup, kPid);
  const auto group = Sample(Detail::kMetrics).group;
  EXPECT_GT(group.taken_at, 0);
  EXPECT_EQ(group.cgroup_path, kCgroup);
  ASSERT_TRUE(group.cpu && group.memory && group.tasks);
  EXPECT_EQ(group.cpu->usage_ns, 213992451U);
  EXPECT_EQ(group.cpu->user_ns, 100000000U);
  EXPECT_EQ(group.cpu->throttled_ns, 123456789U);
  EXPECT_EQ(group.memory->WorkingSet(), 823296U);
  EXPECT_EQ(group.tasks->tasks, 4U);
  EXPECT_FALSE(group.tasks->limit);
  EXPECT_TRUE(group.cpu_pressure && group.memory_pressure && group.io_pressure);
  ASSERT_EQ(group.io.size(), 1U);
  EXPECT_EQ(group.io[0].written_bytes, 8192U);
  EXPECT_EQ(group.io[0].name, "8:0");
}

TEST_F(CollectorTest, V1AsSystemdMountsIt) {
  const std::string scope = "/kubepods.slice/kubepods-pod1.slice/docker-" + kId + ".scope";
  tree_.AddV1(scope, kPid);
  const auto group = Sample().group;
  ASSERT_TRUE(group.cpu && group.memory);
  EXPECT_EQ(group.cgroup_path, scope);
  EXPECT_EQ(group.cpu->usage_ns, 5000000000U);
  EXPECT_EQ(group.memory->usage, 1130496U);
  EXPECT_FALSE(group.cpu_pressure);
}

TEST_F(CollectorTest, V2WithBothDrivers) {
  for (const auto& cgroup :
       {kCgroup, "/kubepods.slice/kubepods-pod1.slice/docker-" + kId + ".scope"}) {
    tree_.AddV2(cgroup, kPid);
    collector_.Forget(kId);
    const auto group = Sample().group;
    EXPECT_EQ(group.cgroup_path, cgroup);
    ASSERT_TRUE(group.cpu && group.memory && group.tasks && group.io_pressure);
    EXPECT_EQ(group.cpu->usage_ns, 2500000000U);
    EXPECT_EQ(group.memory->WorkingSet(), 15728640U);
    EXPECT_EQ(group.tasks->tasks, 9U);
  }
}

TEST_F(CollectorTest, APodsOwnCgroup) {
  tree_.AddV2(kCgroup, kPid);
  tree_.WriteV2("/sys/fs/cgroup" + kPodCgroup);
  tree_.Write("/sys/fs/cgroup" + kPodCgroup + "/cpu.stat", "usage_usec 7\n");
  tree_.Write("/proc/42/net/dev", "  eth0: 1 2 3 4 0 0 0 0 5 6 7 8 0 0 0 0\n");
  const auto pod = SamplePod(true);
  EXPECT_EQ(pod.group.cgroup_path, kPodCgroup);
  ASSERT_TRUE(pod.group.cpu);
  EXPECT_EQ(pod.group.cpu->usage_ns, 7000U);
  EXPECT_TRUE(pod.group.io_pressure);
  EXPECT_TRUE(SamplePod(true, {}, Detail::kMetrics).group.tasks);
  ASSERT_TRUE(pod.interfaces);
  EXPECT_EQ(pod.interfaces->size(), 1U);
}

TEST_F(CollectorTest, APodWithoutACgroupIsTheSumOfItsParts) {
  tree_.AddV2(kCgroup, kPid);
  ContainerSample part;
  part.group.taken_at = 1;
  part.group.cpu = linuxos::CpuCounters{.usage_ns = 5};
  part.group.nano_cores = 70;
  part.group.memory.emplace();
  part.group.memory->usage = 30;
  part.group.memory->inactive_file = 10;
  part.group.memory->swap = 4;
  const ContainerSample ended;
  const auto pod = SamplePod(false, {part, ended, part});
  ASSERT_TRUE(pod.group.cpu && pod.group.memory);
  EXPECT_EQ(pod.group.cpu->usage_ns, 2500000010U);
  EXPECT_EQ(pod.group.nano_cores, 140U);
  EXPECT_EQ(pod.group.memory->WorkingSet(), 15728640U + 40U);
  EXPECT_EQ(pod.group.memory->swap, 4096U + 8U);
  EXPECT_FALSE(pod.group.cpu_pressure);
}

TEST_F(CollectorTest, TheRateNeedsTwoSamples) {
  tree_.AddV2(kCgroup, kPid);
  const std::string file = "/sys/fs/cgroup" + kCgroup + "/cpu.stat";
  tree_.Write(file, "usage_usec 1000000\n");
  EXPECT_FALSE(Sample().group.nano_cores);
  tree_.Write(file, "usage_usec 2000000\n");
  // Too soon to say.
  EXPECT_FALSE(Sample().group.nano_cores);
  std::this_thread::sleep_for(milliseconds(600));
  const auto rate = Sample().group.nano_cores;
  ASSERT_TRUE(rate);
  EXPECT_GT(*rate, 0U);
  // One second of work in at least 600 ms.
  EXPECT_LE(*rate, 1'666'666'667U);
  EXPECT_EQ(Sample().group.nano_cores, rate);
}

TEST_F(CollectorTest, ARestartedContainerStartsAnew) {
  tree_.AddV2(kCgroup, kPid);
  ASSERT_TRUE(Sample().group.cpu);
  tree_.Write("/proc/43/cgroup", "0::/other" + kCgroup + "\n");
  tree_.WriteV2("/sys/fs/cgroup/other" + kCgroup);
  const auto again = collector_.Sample(Collector::Container{kId, 43, ""}, Detail::kStats);
  EXPECT_EQ(again.group.cgroup_path, "/other" + kCgroup);
  EXPECT_FALSE(again.group.nano_cores);
}

TEST_F(CollectorTest, WhatDoesNotRunHasNoCounters) {
  tree_.AddV2(kCgroup, kPid);
  EXPECT_EQ(collector_.Sample(Collector::Container{kId, 0, ""}, Detail::kStats).group.taken_at, 0);
  ASSERT_GT(Sample().group.taken_at, 0);
  tree_.Remove("/sys/fs/cgroup" + kPodCgroup);
  EXPECT_EQ(Sample().group.taken_at, 0);
  EXPECT_EQ(collector_.Sample(Collector::Pod{kId, 0, true, true}, {}, Detail::kStats).interfaces,
            std::nullopt);
}

TEST_F(CollectorTest, APidThatSomebodyElseHasNow) {
  tree_.AddV2("/system.slice/ssh.service", kPid);
  tree_.Write("/proc/42/net/dev", "  eth0: 1 2 3 4 0 0 0 0 5 6 7 8 0 0 0 0\n");
  const auto sample = Sample();
  EXPECT_EQ(sample.group.taken_at, 0);
  EXPECT_FALSE(SamplePod(true).interfaces);
}

TEST_F(CollectorTest, TheLayerIsFoundInTheMountsAndStaysKnown) {
  tree_.AddV2(kCgroup, kPid);
  tree_.Write("/proc/42/mountinfo",
              "1 2 0:54 / / rw - overlay overlay rw,lowerdir=/l,upperdir=/layers/1/fs\n");
  tree_.Write("/layers/1/fs/file", std::string(10'000, 'x'));
  disk_.Start();
  std::optional<FolderUse> layer;
  for (int tries = 0; tries < 1000 && !layer; ++tries) {
    layer = Sample().writable_layer;
    std::this_thread::sleep_for(milliseconds(5));
  }
  ASSERT_TRUE(layer);
  EXPECT_EQ(layer->use.inodes, 2U);
  const auto ended = collector_.Sample(Collector::Container{kId, 0, ""}, Detail::kStats);
  ASSERT_TRUE(ended.writable_layer);
  EXPECT_EQ(ended.writable_layer->use, layer->use);
}

}  // namespace
}  // namespace dockershimd::shim::stats
