#include "shim/translate/stats.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace dockershimd::shim::translate {
namespace {

using testing::ElementsAre;
using testing::Pair;

ContainerRecord Container() {
  ContainerRecord record;
  record.details.id = "c123";
  record.details.state.running = true;
  record.details.state.pid = 42;
  record.sandbox_id = "p123";
  runtime::v1::ContainerConfig config;
  config.mutable_metadata()->set_name("web");
  (*config.mutable_labels())["app"] = "shop";
  (*config.mutable_annotations())["note"] = "x";
  record.config = config;
  return record;
}

SandboxRecord Sandbox() {
  SandboxRecord record;
  record.details.id = "p123";
  record.details.state.running = true;
  record.details.state.pid = 41;
  record.cgroup_parent = "/kubepods/pod1";
  runtime::v1::PodSandboxConfig config;
  config.mutable_metadata()->set_name("shop-1");
  (*config.mutable_labels())["app"] = "shop";
  record.config = config;
  return record;
}

stats::GroupSample Group() {
  stats::GroupSample group;
  group.taken_at = 1000;
  group.cpu.emplace().usage_ns = 5'000;
  group.nano_cores = 250'000'000;
  auto& memory = group.memory.emplace();
  memory.usage = 100;
  memory.inactive_file = 30;
  memory.limit = 150;
  memory.rss = 20;
  memory.page_faults = 7;
  memory.major_page_faults = 1;
  memory.swap = 5;
  memory.swap_limit = 50;
  group.tasks = linuxos::TaskCounters{3, {}};
  linuxos::Pressure pressure;
  pressure.some = linuxos::Pressure::Line{1.5, 0.5, 0.25, 8};
  pressure.full = linuxos::Pressure::Line{1, 0, 0, 2};
  group.cpu_pressure = group.memory_pressure = group.io_pressure = pressure;
  return group;
}

TEST(ToContainerStats, EverythingThatTheKernelGives) {
  const stats::ContainerSample sample{Group(), stats::FolderUse{{4096, 2}, 900}};
  const auto stats = ToContainerStats(Container(), sample, "/var/lib/docker");
  EXPECT_EQ(stats.attributes().id(), "c123");
  EXPECT_EQ(stats.attributes().metadata().name(), "web");
  EXPECT_THAT(stats.attributes().labels(), ElementsAre(Pair("app", "shop")));
  EXPECT_THAT(stats.attributes().annotations(), ElementsAre(Pair("note", "x")));
  EXPECT_EQ(stats.cpu().timestamp(), 1000);
  EXPECT_EQ(stats.cpu().usage_core_nano_seconds().value(), 5'000U);
  EXPECT_EQ(stats.cpu().usage_nano_cores().value(), 250'000'000U);
  EXPECT_EQ(stats.cpu().psi().some().total(), 8'000U);
  EXPECT_EQ(stats.cpu().psi().some().avg10(), 1.5);
  EXPECT_EQ(stats.cpu().psi().some().avg60(), 0.5);
  EXPECT_EQ(stats.cpu().psi().some().avg300(), 0.25);
  EXPECT_EQ(stats.cpu().psi().full().total(), 2'000U);
  EXPECT_EQ(stats.memory().timestamp(), 1000);
  EXPECT_EQ(stats.memory().working_set_bytes().value(), 70U);
  EXPECT_EQ(stats.memory().available_bytes().value(), 80U);
  EXPECT_EQ(stats.memory().usage_bytes().value(), 100U);
  EXPECT_EQ(stats.memory().rss_bytes().value(), 20U);
  EXPECT_EQ(stats.memory().page_faults().value(), 7U);
  EXPECT_EQ(stats.memory().major_page_faults().value(), 1U);
  EXPECT_TRUE(stats.memory().has_psi());
  EXPECT_EQ(stats.swap().timestamp(), 1000);
  EXPECT_EQ(stats.swap().swap_usage_bytes().value(), 5U);
  EXPECT_EQ(stats.swap().swap_available_bytes().value(), 45U);
  EXPECT_EQ(stats.io().timestamp(), 1000);
  EXPECT_TRUE(stats.io().has_psi());
  EXPECT_EQ(stats.writable_layer().timestamp(), 900);
  EXPECT_EQ(stats.writable_layer().fs_id().mountpoint(), "/var/lib/docker");
  EXPECT_EQ(stats.writable_layer().used_bytes().value(), 4096U);
  EXPECT_EQ(stats.writable_layer().inodes_used().value(), 2U);
}

TEST(ToContainerStats, WhatIsNotKnownStaysUnset) {
  const auto ended = ToContainerStats(Container(), {}, "/var/lib/docker");
  EXPECT_TRUE(ended.has_attributes());
  EXPECT_FALSE(ended.has_cpu() || ended.has_memory() || ended.has_swap() || ended.has_io());
  EXPECT_FALSE(ended.has_writable_layer());
  stats::ContainerSample sample{Group(), {}};
  sample.group.memory.reset();
  EXPECT_FALSE(ToContainerStats(Container(), sample, "").has_swap());
  sample.group = Group();
  sample.group.nano_cores.reset();
  sample.group.memory->limit.reset();
  sample.group.memory->swap_limit.reset();
  const auto stats = ToContainerStats(Container(), sample, "");
  EXPECT_FALSE(stats.cpu().has_usage_nano_cores());
  EXPECT_FALSE(stats.memory().has_available_bytes());
  EXPECT_FALSE(stats.swap().has_swap_available_bytes());
}

TEST(ToContainerStats, NothingIsAvailableBeyondALimit) {
  stats::ContainerSample sample{Group(), {}};
  sample.group.memory->limit = 60;
  sample.group.memory->swap_limit = 1;
  const auto stats = ToContainerStats(Container(), sample, "");
  EXPECT_EQ(stats.memory().available_bytes().value(), 0U);
  EXPECT_EQ(stats.swap().swap_available_bytes().value(), 0U);
}

TEST(ToPodSandboxStats, NetworkAndProcesses) {
  stats::PodSample sample;
  sample.group = Group();
  sample.interfaces = {{"net1", {1, 0, 0, 0}, {2, 0, 0, 0}}, {"eth0", {3, 9, 4, 0}, {5, 9, 6, 0}}};
  const stats::ContainerSample container{Group(), {}};
  const stats::ContainerSample ended;
  const auto stats = ToPodSandboxStats(Sandbox(), sample, std::vector{container, ended, container});
  EXPECT_EQ(stats.attributes().id(), "p123");
  EXPECT_EQ(stats.attributes().metadata().name(), "shop-1");
  EXPECT_EQ(stats.linux().cpu().usage_core_nano_seconds().value(), 5'000U);
  EXPECT_EQ(stats.linux().memory().working_set_bytes().value(), 70U);
  EXPECT_TRUE(stats.linux().io().has_psi());
  EXPECT_EQ(stats.linux().process().timestamp(), 1000);
  EXPECT_EQ(stats.linux().process().process_count().value(), 6U);
  const auto& network = stats.linux().network();
  EXPECT_EQ(network.timestamp(), 1000);
  EXPECT_EQ(network.interfaces_size(), 2);
  EXPECT_EQ(network.default_interface().name(), "eth0");
  EXPECT_EQ(network.default_interface().rx_bytes().value(), 3U);
  EXPECT_EQ(network.default_interface().rx_errors().value(), 4U);
  EXPECT_EQ(network.default_interface().tx_bytes().value(), 5U);
  EXPECT_EQ(network.default_interface().tx_errors().value(), 6U);
}

TEST(ToPodSandboxStats, WithoutAnEth0TheFirstInterfaceIsTheDefault) {
  stats::PodSample sample;
  sample.interfaces = {{"net1", {}, {}}, {"net2", {}, {}}};
  EXPECT_EQ(ToPodSandboxStats(Sandbox(), sample, {}).linux().network().default_interface().name(),
            "net1");
}

TEST(ToPodSandboxStats, NoNetworkWithoutAnInterface) {
  stats::PodSample sample;
  sample.interfaces.emplace();
  EXPECT_FALSE(ToPodSandboxStats(Sandbox(), sample, {}).linux().has_network());
  sample.interfaces.reset();
  EXPECT_FALSE(ToPodSandboxStats(Sandbox(), sample, {}).linux().has_network());
}

TEST(ToTarget, WhereToLook) {
  auto container = Container();
  EXPECT_EQ(ToTarget(container).pid, 42);
  EXPECT_EQ(ToTarget(container).upper_dir, "");
  container.upper_dir = "/overlay2/1/diff";
  container.details.state.running = false;
  EXPECT_EQ(ToTarget(container).pid, 0);
  EXPECT_EQ(ToTarget(container).upper_dir, "/overlay2/1/diff");
  auto sandbox = Sandbox();
  EXPECT_EQ(ToTarget(sandbox).pid, 41);
  EXPECT_TRUE(ToTarget(sandbox).own_cgroup);
  EXPECT_TRUE(ToTarget(sandbox).own_network);
  sandbox.cgroup_parent.clear();
  sandbox.network_mode = "host";
  sandbox.details.state.running = false;
  EXPECT_EQ(ToTarget(sandbox).pid, 0);
  EXPECT_FALSE(ToTarget(sandbox).own_cgroup);
  EXPECT_FALSE(ToTarget(sandbox).own_network);
}

TEST(Matches, StatsFilters) {
  runtime::v1::ContainerStatsFilter filter;
  EXPECT_TRUE(Matches(filter, Container()));
  filter.set_id("c1");
  filter.set_pod_sandbox_id("p1");
  (*filter.mutable_label_selector())["app"] = "shop";
  EXPECT_TRUE(Matches(filter, Container()));
  (*filter.mutable_label_selector())["tier"] = "web";
  EXPECT_FALSE(Matches(filter, Container()));
  filter.clear_label_selector();
  filter.set_id("c2");
  EXPECT_FALSE(Matches(filter, Container()));
  filter.set_id("");
  filter.set_pod_sandbox_id("p2");
  EXPECT_FALSE(Matches(filter, Container()));
  runtime::v1::PodSandboxStatsFilter pods;
  EXPECT_TRUE(Matches(pods, Sandbox()));
  pods.set_id("p2");
  EXPECT_FALSE(Matches(pods, Sandbox()));
}

}  // namespace
}  // namespace dockershimd::shim::translate
