#include "shim/translate/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

namespace dockershimd::shim::translate {
namespace {

using testing::ElementsAre;
using testing::IsSupersetOf;

constexpr std::uint64_t kSecond = 1'000'000'000;

linuxos::Pressure Pressure(std::uint64_t some_seconds, std::uint64_t full_seconds) {
  linuxos::Pressure pressure;
  pressure.some = linuxos::Pressure::Line{0, 0, 0, some_seconds * 1'000'000};
  pressure.full = linuxos::Pressure::Line{0, 0, 0, full_seconds * 1'000'000};
  return pressure;
}

/// Each counter with a value of its own.
stats::GroupSample Group() {
  stats::GroupSample group;
  group.taken_at = 1'700'000'000 * static_cast<std::int64_t>(kSecond);
  group.cgroup_path = "/kubepods/pod1/c1";
  group.cpu = {11 * kSecond + 1, 12 * kSecond, 13 * kSecond, 14, 15, 16 * kSecond};
  auto& memory = group.memory.emplace();
  memory.usage = 100;
  memory.limit = 1000;
  memory.rss = 20;
  memory.cache = 21;
  memory.mapped_file = 22;
  memory.active_file = 23;
  memory.inactive_file = 30;
  memory.page_faults = 24;
  memory.major_page_faults = 25;
  memory.swap = 26;
  memory.swap_limit = 500;
  memory.max_usage = 101;
  memory.kernel = 27;
  memory.limit_hits = 28;
  memory.oom_kills = 29;
  group.tasks = linuxos::TaskCounters{31, 32};
  group.processes = linuxos::ProcessCounters{33, 34, 35};
  group.io = {{"/dev/sda", 8, 0, 41, 42, 43, 44}, {"/dev/sdb", 8, 16, 45, 46, 47, 48}};
  group.cpu_pressure = Pressure(51, 52);
  group.memory_pressure = Pressure(53, 54);
  group.io_pressure = Pressure(55, 56);
  return group;
}

SandboxRecord Sandbox() {
  SandboxRecord sandbox;
  sandbox.details.id = "p1";
  sandbox.details.image = "pause:1";
  runtime::v1::PodSandboxConfig config;
  config.mutable_metadata()->set_name("shop-1");
  config.mutable_metadata()->set_namespace_("prod");
  sandbox.config = config;
  return sandbox;
}

ContainerRecord Container() {
  ContainerRecord container;
  container.details.id = "c1";
  container.details.image = "sha256:1";
  container.resources.cpu_shares = 512;
  container.resources.cpu_period_us = 1000;
  container.resources.cpu_quota_us = 1;
  container.details.state.started_at = 1'600'000'000 * static_cast<std::int64_t>(kSecond);
  runtime::v1::ContainerConfig config;
  config.mutable_metadata()->set_name("web");
  config.mutable_image()->set_user_specified_image("shop:2");
  container.config = config;
  return container;
}

runtime::v1::ContainerMetrics Metrics(const stats::ContainerSample& sample,
                                      const ContainerRecord& container = Container()) {
  return ToContainerMetrics(Sandbox(), container, sample,
                            LayerFilesystem{"/dev/sdc", 1000, 500, 100, 40});
}

runtime::v1::ContainerMetrics Metrics() {
  return Metrics({Group(), stats::FolderUse{{4096, 2}, 900}});
}

runtime::v1::PodSandboxMetrics PodMetrics() {
  stats::PodSample sample;
  sample.group.cgroup_path = "/kubepods/pod1";
  sample.group.tasks = linuxos::TaskCounters{3, 4};
  sample.interfaces = {{"eth0", {61, 62, 63, 64}, {65, 66, 67, 68}}};
  return ToPodSandboxMetrics(Sandbox(), sample);
}

/// "name{own labels} value type", with the time of those that have one.
template <class All>
std::vector<std::string> Lines(const All& all) {
  constexpr int kBaseLabels = 6;
  std::vector<std::string> lines;
  for (const auto& metric : all.metrics()) {
    const auto& labels = metric.label_values();
    std::string line = metric.name();
    for (int i = kBaseLabels; i < labels.size(); ++i) line += "," + labels[i];
    line += " " + std::to_string(metric.value().value()) +
            (metric.metric_type() == runtime::v1::MetricType::COUNTER ? " counter" : " gauge");
    if (metric.timestamp() != 0) line += " @" + std::to_string(metric.timestamp());
    lines.push_back(line);
  }
  return lines;
}

/// Those labels that every metric has.
template <class Metric>
std::vector<std::string> BaseLabels(const Metric& metric) {
  return {metric.label_values().begin(), metric.label_values().begin() + 6};
}

TEST(MetricDescriptors, NamesAreUniqueAndLabelsKnown) {
  const auto response = MetricDescriptors();
  std::set<std::string> names;
  for (const auto& descriptor : response.descriptors()) {
    EXPECT_TRUE(names.insert(descriptor.name()).second) << descriptor.name();
    EXPECT_FALSE(descriptor.help().empty()) << descriptor.name();
    EXPECT_THAT(descriptor.label_keys(),
                IsSupersetOf({"container", "id", "image", "name", "namespace", "pod"}));
  }
  EXPECT_TRUE(names.contains("container_cpu_usage_seconds_total"));
  EXPECT_TRUE(names.contains("container_memory_working_set_bytes"));
  EXPECT_TRUE(names.contains("container_network_receive_bytes_total"));
}

/// Prometheus refuses everything where one metric has other labels than its descriptor, or two have
/// the same.
TEST(Metrics, AllAreDescribedAndNoneComesTwice) {
  std::map<std::string, int> label_counts;
  const auto described = MetricDescriptors();
  for (const auto& descriptor : described.descriptors()) {
    label_counts[descriptor.name()] = descriptor.label_keys_size();
  }
  std::set<std::string> seen;
  std::set<std::string> names;
  const auto check = [&](const auto& all) {
    for (const auto& metric : all.metrics()) {
      ASSERT_TRUE(label_counts.contains(metric.name())) << metric.name();
      EXPECT_EQ(metric.label_values_size(), label_counts[metric.name()]) << metric.name();
      std::string key = metric.name();
      for (const auto& label : metric.label_values()) key += "|" + label;
      EXPECT_TRUE(seen.insert(key).second) << key;
      names.insert(metric.name());
    }
  };
  check(Metrics());
  check(PodMetrics());
  EXPECT_EQ(names.size(), label_counts.size());
}

TEST(Metrics, OfAContainer) {
  const auto metrics = Metrics();
  EXPECT_EQ(metrics.container_id(), "c1");
  for (const auto& metric : metrics.metrics()) {
    EXPECT_THAT(BaseLabels(metric),
                ElementsAre("web", "/kubepods/pod1/c1", "shop:2", "c1", "prod", "shop-1"));
  }
  EXPECT_THAT(
      Lines(metrics),
      ElementsAre(
          "container_last_seen 1700000000 gauge", "container_start_time_seconds 1600000000 gauge",
          "container_cpu_usage_seconds_total 11 counter",
          "container_cpu_user_seconds_total 12 counter",
          "container_cpu_system_seconds_total 13 counter",
          "container_cpu_cfs_periods_total 14 counter",
          "container_cpu_cfs_throttled_periods_total 15 counter",
          "container_cpu_cfs_throttled_seconds_total 16 counter",
          "container_memory_usage_bytes 100 gauge", "container_memory_max_usage_bytes 101 gauge",
          "container_memory_working_set_bytes 70 gauge", "container_memory_rss 20 gauge",
          "container_memory_cache 21 gauge", "container_memory_mapped_file 22 gauge",
          "container_memory_total_active_file_bytes 23 gauge",
          "container_memory_total_inactive_file_bytes 30 gauge",
          "container_memory_kernel_usage 27 gauge", "container_memory_swap 26 gauge",
          "container_memory_failcnt 28 counter",
          "container_memory_failures_total,pgfault,container 24 counter",
          "container_memory_failures_total,pgmajfault,container 25 counter",
          "container_memory_failures_total,pgfault,hierarchy 24 counter",
          "container_memory_failures_total,pgmajfault,hierarchy 25 counter",
          "container_oom_events_total 29 counter", "container_threads 31 gauge",
          "container_threads_max 32 gauge", "container_processes 33 gauge",
          "container_file_descriptors 34 gauge", "container_sockets 35 gauge",
          "container_fs_reads_bytes_total,/dev/sda 41 counter",
          "container_fs_reads_total,/dev/sda 43 counter",
          "container_fs_writes_bytes_total,/dev/sda 42 counter",
          "container_fs_writes_total,/dev/sda 44 counter",
          "container_blkio_device_usage_total,/dev/sda,8,0,Read 41 counter",
          "container_blkio_device_usage_total,/dev/sda,8,0,Write 42 counter",
          "container_fs_reads_bytes_total,/dev/sdb 45 counter",
          "container_fs_reads_total,/dev/sdb 47 counter",
          "container_fs_writes_bytes_total,/dev/sdb 46 counter",
          "container_fs_writes_total,/dev/sdb 48 counter",
          "container_blkio_device_usage_total,/dev/sdb,8,16,Read 45 counter",
          "container_blkio_device_usage_total,/dev/sdb,8,16,Write 46 counter",
          "container_pressure_cpu_waiting_seconds_total 51 counter",
          "container_pressure_cpu_stalled_seconds_total 52 counter",
          "container_pressure_memory_waiting_seconds_total 53 counter",
          "container_pressure_memory_stalled_seconds_total 54 counter",
          "container_pressure_io_waiting_seconds_total 55 counter",
          "container_pressure_io_stalled_seconds_total 56 counter",
          "container_fs_usage_bytes,/dev/sdc 4096 gauge @900",
          "container_fs_limit_bytes,/dev/sdc 1000 gauge",
          "container_fs_inodes_total,/dev/sdc 100 gauge",
          "container_fs_inodes_free,/dev/sdc 40 gauge", "container_spec_cpu_period 1000 gauge",
          "container_spec_cpu_quota 1 gauge", "container_spec_cpu_shares 512 gauge",
          "container_spec_memory_limit_bytes 1000 gauge",
          "container_spec_memory_swap_limit_bytes 1500 gauge"));
}

TEST(Metrics, WhatIsNotKnownIsNotThere) {
  stats::ContainerSample sample{Group(), {}};
  auto& group = sample.group;
  group.taken_at = -1;
  group.cpu.reset();
  group.memory.reset();
  group.tasks.reset();
  group.processes.reset();
  group.io.clear();
  group.cpu_pressure.reset();
  group.memory_pressure->some.reset();
  group.io_pressure->full.reset();
  auto container = Container();
  container.resources = {};
  EXPECT_THAT(
      Lines(Metrics(sample, container)),
      ElementsAre("container_last_seen 0 gauge", "container_start_time_seconds 1600000000 gauge",
                  "container_pressure_memory_stalled_seconds_total 54 counter",
                  "container_pressure_io_waiting_seconds_total 55 counter",
                  "container_fs_limit_bytes,/dev/sdc 1000 gauge",
                  "container_fs_inodes_total,/dev/sdc 100 gauge",
                  "container_fs_inodes_free,/dev/sdc 40 gauge"));
}

TEST(Metrics, NoLimitIsZero) {
  stats::ContainerSample sample{Group(), {}};
  sample.group.tasks->limit.reset();
  const auto limits = [&] {
    std::vector<std::string> found;
    for (const auto& line : Lines(Metrics(sample))) {
      if (line.find("spec_memory") != line.npos || line.find("threads_max") != line.npos) {
        found.push_back(line.substr(0, line.rfind(' ')));
      }
    }
    return found;
  };
  sample.group.memory->swap_limit.reset();
  EXPECT_THAT(limits(),
              ElementsAre("container_threads_max 0", "container_spec_memory_limit_bytes 1000",
                          "container_spec_memory_swap_limit_bytes 0"));
  sample.group.memory->limit.reset();
  sample.group.memory->swap_limit = 500;
  EXPECT_THAT(limits(),
              ElementsAre("container_threads_max 0", "container_spec_memory_limit_bytes 0",
                          "container_spec_memory_swap_limit_bytes 0"));
}

TEST(Metrics, TheImageAsTheContainerWasMadeOf) {
  auto container = Container();
  container.config = runtime::v1::ContainerConfig();
  EXPECT_EQ(Metrics({}, container).metrics(0).label_values(2), "sha256:1");
}

TEST(Metrics, OfAPod) {
  const auto metrics = PodMetrics();
  EXPECT_EQ(metrics.pod_sandbox_id(), "p1");
  EXPECT_THAT(Lines(metrics),
              ElementsAre("container_threads 3 gauge", "container_threads_max 4 gauge",
                          "container_network_receive_bytes_total,eth0 61 counter",
                          "container_network_receive_packets_total,eth0 62 counter",
                          "container_network_receive_packets_dropped_total,eth0 64 counter",
                          "container_network_receive_errors_total,eth0 63 counter",
                          "container_network_transmit_bytes_total,eth0 65 counter",
                          "container_network_transmit_packets_total,eth0 66 counter",
                          "container_network_transmit_packets_dropped_total,eth0 68 counter",
                          "container_network_transmit_errors_total,eth0 67 counter"));
  EXPECT_THAT(BaseLabels(metrics.metrics(0)),
              ElementsAre("", "/kubepods/pod1", "", "", "prod", "shop-1"));
  EXPECT_THAT(BaseLabels(metrics.metrics(2)),
              ElementsAre("", "/kubepods/pod1", "pause:1", "p1", "prod", "shop-1"));
}

TEST(Metrics, NoInterfacesOnTheHostsNetwork) {
  stats::PodSample sample;
  sample.interfaces = {{"eth0", {1, 2, 3, 4}, {5, 6, 7, 8}}};
  sample.interfaces.reset();
  EXPECT_THAT(Lines(ToPodSandboxMetrics(Sandbox(), sample)), ElementsAre());
}

}  // namespace
}  // namespace dockershimd::shim::translate
