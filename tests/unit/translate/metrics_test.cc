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

stats::GroupSample Group() {
  stats::GroupSample group;
  group.taken_at = 1'700'000'000 * static_cast<std::int64_t>(kSecond);
  group.cgroup_path = "/kubepods/pod1/c1";
  auto& cpu = group.cpu.emplace();
  cpu.usage_ns = 5 * kSecond + 1;
  cpu.throttled_ns = 2 * kSecond;
  auto& memory = group.memory.emplace();
  memory.usage = 100;
  memory.inactive_file = 30;
  memory.limit = 1000;
  memory.swap = 1;
  memory.swap_limit = 500;
  memory.page_faults = 77;
  group.tasks = linuxos::TaskCounters{3, {}};
  group.processes = linuxos::ProcessCounters{2, 10, 4};
  group.io = {{"/dev/sda", 8, 0, 1, 2, 3, 4}, {"/dev/sdb", 8, 16, 5, 6, 7, 8}};
  linuxos::Pressure pressure;
  pressure.some = linuxos::Pressure::Line{0, 0, 0, 3'000'000};
  pressure.full = linuxos::Pressure::Line{0, 0, 0, 1'000'000};
  group.cpu_pressure = group.memory_pressure = group.io_pressure = pressure;
  return group;
}

SandboxRecord Sandbox() {
  SandboxRecord sandbox;
  sandbox.details.id = "p1";
  sandbox.details.spec.image = "pause:1";
  runtime::v1::PodSandboxConfig config;
  config.mutable_metadata()->set_name("shop-1");
  config.mutable_metadata()->set_namespace_("prod");
  sandbox.config = config;
  return sandbox;
}

ContainerRecord Container() {
  ContainerRecord container;
  container.details.id = "c1";
  container.details.spec.image = "sha256:1";
  container.details.spec.host.resources.cpu_shares = 512;
  container.details.state.started_at = 1'600'000'000 * static_cast<std::int64_t>(kSecond);
  runtime::v1::ContainerConfig config;
  config.mutable_metadata()->set_name("web");
  config.mutable_image()->set_user_specified_image("shop:2");
  container.config = config;
  return container;
}

runtime::v1::ContainerMetrics Metrics() {
  const stats::ContainerSample sample{Group(), stats::FolderUse{{4096, 2}, 900}};
  return ToContainerMetrics(Sandbox(), Container(), sample,
                            LayerFilesystem{"/dev/sda", 1000, 500, 100, 40});
}

runtime::v1::PodSandboxMetrics PodMetrics() {
  stats::PodSample sample;
  sample.group = Group();
  sample.group.cgroup_path = "/kubepods/pod1";
  sample.interfaces = {{"eth0", {1, 2, 3, 4}, {5, 6, 7, 8}}};
  return ToPodSandboxMetrics(Sandbox(), sample);
}

/// The metrics of one name, in their order.
template <class All>
std::vector<runtime::v1::Metric> Find(const All& all, const std::string& name) {
  std::vector<runtime::v1::Metric> found;
  for (const auto& metric : all.metrics()) {
    if (metric.name() == name) found.push_back(metric);
  }
  return found;
}

template <class All>
std::uint64_t Value(const All& all, const std::string& name) {
  const auto found = Find(all, name);
  EXPECT_EQ(found.size(), 1U) << name;
  return found.empty() ? 0 : found[0].value().value();
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
  // The quota and the period are given only where they are set.
  EXPECT_EQ(names.size() + 2, label_counts.size());
}

TEST(Metrics, OfAContainer) {
  const auto metrics = Metrics();
  EXPECT_EQ(metrics.container_id(), "c1");
  const auto usage = Find(metrics, "container_cpu_usage_seconds_total");
  ASSERT_EQ(usage.size(), 1U);
  EXPECT_THAT(usage[0].label_values(),
              ElementsAre("web", "/kubepods/pod1/c1", "shop:2", "c1", "prod", "shop-1"));
  EXPECT_EQ(usage[0].metric_type(), runtime::v1::MetricType::COUNTER);
  EXPECT_EQ(usage[0].timestamp(), 0);
  EXPECT_EQ(usage[0].value().value(), 5U);
  EXPECT_EQ(Value(metrics, "container_memory_working_set_bytes"), 70U);
  EXPECT_EQ(Value(metrics, "container_spec_memory_limit_bytes"), 1000U);
  EXPECT_EQ(Value(metrics, "container_spec_memory_swap_limit_bytes"), 1500U);
  EXPECT_EQ(Value(metrics, "container_spec_cpu_shares"), 512U);
  EXPECT_EQ(Value(metrics, "container_start_time_seconds"), 1'600'000'000U);
  EXPECT_EQ(Value(metrics, "container_last_seen"), 1'700'000'000U);
  EXPECT_EQ(Value(metrics, "container_threads"), 3U);
  EXPECT_EQ(Value(metrics, "container_sockets"), 4U);
  EXPECT_EQ(Value(metrics, "container_pressure_io_waiting_seconds_total"), 3U);
  EXPECT_EQ(Value(metrics, "container_pressure_io_stalled_seconds_total"), 1U);
  EXPECT_EQ(Value(metrics, "container_fs_inodes_free"), 40U);
  EXPECT_EQ(Find(metrics, "container_fs_writes_bytes_total")[1].value().value(), 6U);
  EXPECT_EQ(Find(metrics, "container_memory_failures_total").size(), 4U);
  const auto layer = Find(metrics, "container_fs_usage_bytes");
  ASSERT_EQ(layer.size(), 1U);
  EXPECT_EQ(layer[0].timestamp(), 900);
  EXPECT_EQ(layer[0].label_values(6), "/dev/sda");
}

TEST(Metrics, OfAPod) {
  const auto metrics = PodMetrics();
  EXPECT_EQ(metrics.pod_sandbox_id(), "p1");
  EXPECT_THAT(Find(metrics, "container_cpu_usage_seconds_total")[0].label_values(),
              ElementsAre("", "/kubepods/pod1", "", "", "prod", "shop-1"));
  const auto received = Find(metrics, "container_network_receive_bytes_total");
  ASSERT_EQ(received.size(), 1U);
  EXPECT_THAT(received[0].label_values(),
              ElementsAre("", "/kubepods/pod1", "pause:1", "p1", "prod", "shop-1", "eth0"));
  EXPECT_EQ(received[0].value().value(), 1U);
  EXPECT_EQ(Value(metrics, "container_network_transmit_errors_total"), 7U);
}

}  // namespace
}  // namespace dockershimd::shim::translate
