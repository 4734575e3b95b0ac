// Stats and metrics of real pods: what the daemon says is what the kernel's files say.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>

#include <cstdlib>
#include <fstream>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <thread>

#include "criclient/client.h"
#include "daemon_process.h"
#include "dockerapi/client.h"
#include "pods.h"

namespace dockershimd::tests {
namespace {

namespace cri_v1 = runtime::v1;
using base::CallContext;
using base::Code;
using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::UnorderedElementsAre;

std::string ReadText(const std::string& path) {
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

/// A number from a file: the whole of it, or what stands after a word.
std::uint64_t Number(const std::string& path, const std::string& word = "") {
  std::istringstream text(ReadText(path));
  std::string read;
  while (!word.empty() && text >> read && read != word) {
  }
  std::uint64_t number = 0;
  text >> number;
  return number;
}

/// The files of a container's cgroup, found apart from the daemon's own way.
struct Cgroup {
  std::string cpu;
  std::string memory;
  bool is_v2 = false;

  [[nodiscard]] std::uint64_t CpuNanos() const {
    return is_v2 ? Number(cpu + "/cpu.stat", "usage_usec") * 1000 : Number(cpu + "/cpuacct.usage");
  }
  [[nodiscard]] std::uint64_t MemoryUsage() const {
    return Number(memory + (is_v2 ? "/memory.current" : "/memory.usage_in_bytes"));
  }
  [[nodiscard]] std::uint64_t WorkingSet() const {
    const auto inactive =
        Number(memory + "/memory.stat", is_v2 ? "inactive_file" : "total_inactive_file");
    return MemoryUsage() - std::min(MemoryUsage(), inactive);
  }
  [[nodiscard]] Cgroup Parent() const {
    return {cpu.substr(0, cpu.rfind('/')), memory.substr(0, memory.rfind('/')), is_v2};
  }
};

class StatsTest : public testing::Test {
 protected:
  StatsTest()
      : cri_(daemon_.Endpoint()), docker_({.socket_path = std::getenv("DSD_TEST_DOCKER_SOCKET")}) {}

  void SetUp() override {
    const auto pulled = Pull(cri_, kBusybox);
    ASSERT_TRUE(pulled) << pulled.error().message;
  }
  void TearDown() override {
    for (const auto& pod : pods_) (void)RemovePod(cri_, pod);
  }

  struct PodAndContainer {
    std::string pod;
    std::string container;
  };

  PodAndContainer Run(const std::string& name, bool own_cgroup) {
    auto pod = PodConfig(name);
    (*pod.mutable_labels())["app"] = name;
    if (own_cgroup) pod.mutable_linux()->set_cgroup_parent("/kubepods/burstable/" + name);
    const auto pod_id = RunPod(cri_, pod);
    EXPECT_TRUE(pod_id) << pod_id.error().message;
    if (!pod_id) return {};
    pods_.push_back(*pod_id);
    auto config = SleeperConfig("main");
    config.clear_command();
    config.add_command("sleep");
    config.add_command("100000");
    (*config.mutable_labels())["app"] = name;
    config.mutable_linux()->mutable_resources()->set_memory_limit_in_bytes(64 << 20);
    const auto id = CreateContainer(cri_, *pod_id, pod, config);
    EXPECT_TRUE(id) << id.error().message;
    const auto started = StartContainer(cri_, id.value_or(""));
    EXPECT_TRUE(started) << started.error().message;
    return {*pod_id, id.value_or("")};
  }

  int PidOf(const std::string& id) {
    const auto details = docker_.InspectContainer(CallContext::WithTimeout(limit_), id);
    EXPECT_TRUE(details) << details.error().message;
    return details ? details->state.pid : 0;
  }

  Cgroup CgroupOf(const std::string& id) {
    Cgroup cgroup{"", "", true};
    std::istringstream lines(ReadText("/proc/" + std::to_string(PidOf(id)) + "/cgroup"));
    for (std::string line; std::getline(lines, line);) {
      const auto path = line.substr(line.rfind(':') + 1);
      if (line.find(":memory:") != std::string::npos) {
        cgroup.is_v2 = false;
        cgroup.memory = "/sys/fs/cgroup/memory" + path;
      } else if (line.find("cpuacct:") != std::string::npos) {
        cgroup.cpu = "/sys/fs/cgroup/cpuacct" + path;
      } else if (line.starts_with("0::") && cgroup.is_v2) {
        cgroup.cpu = cgroup.memory = "/sys/fs/cgroup" + path;
      }
    }
    return cgroup;
  }

  /// What `docker stats` makes its columns of.
  static nlohmann::json DockerStatsOf(const std::string& id) {
    httplib::Client engine(std::getenv("DSD_TEST_DOCKER_SOCKET"));
    engine.set_address_family(AF_UNIX);
    engine.set_default_headers({{"Host", "docker"}});
    engine.set_read_timeout(60);
    const auto answer = engine.Get("/v1.41/containers/" + id + "/stats?stream=false&one-shot=true");
    EXPECT_TRUE(answer && answer->status == 200);
    return answer ? nlohmann::json::parse(answer->body, nullptr, false) : nlohmann::json();
  }

  cri_v1::ContainerStats StatsOf(const std::string& id) {
    cri_v1::ContainerStatsRequest request;
    request.set_container_id(id);
    const auto response = cri_.Call(&Runtime::ContainerStats, request);
    EXPECT_TRUE(response) << response.error().message;
    return response ? response->stats() : cri_v1::ContainerStats();
  }
  cri_v1::PodSandboxStats PodStatsOf(const std::string& id) {
    cri_v1::PodSandboxStatsRequest request;
    request.set_pod_sandbox_id(id);
    const auto response = cri_.Call(&Runtime::PodSandboxStats, request);
    EXPECT_TRUE(response) << response.error().message;
    return response ? response->stats() : cri_v1::PodSandboxStats();
  }
  std::vector<std::string> ListIds(const cri_v1::ContainerStatsFilter& filter) {
    cri_v1::ListContainerStatsRequest request;
    *request.mutable_filter() = filter;
    const auto response = cri_.Call(&Runtime::ListContainerStats, request);
    std::vector<std::string> ids;
    if (!response) return {response.error().message};
    for (const auto& stats : response->stats()) ids.push_back(stats.attributes().id());
    return ids;
  }

  /// The daemon's number must lie between the kernel's before and after.
  template <class Ask, class Kernel>
  void ExpectBetween(const Ask& ask, const Kernel& kernel) {
    const std::uint64_t before = kernel();
    const std::uint64_t said = ask();
    const std::uint64_t after = kernel();
    EXPECT_GE(said, before);
    EXPECT_LE(said, after);
  }
  /// For numbers that go up and down: equal, once nothing changes between two looks.
  template <class Ask, class Kernel>
  void ExpectEqual(const Ask& ask, const Kernel& kernel) {
    std::uint64_t before = 0;
    std::uint64_t said = 0;
    std::uint64_t after = 1;
    for (int tries = 0; tries < 100 && before != after; ++tries) {
      before = kernel();
      said = ask();
      after = kernel();
    }
    ASSERT_EQ(before, after) << "never quiet";
    EXPECT_EQ(said, before);
  }
  bool Eventually(const std::function<bool()>& holds) {
    for (int tries = 0; tries < 600; ++tries) {
      if (holds()) return true;
      std::this_thread::sleep_for(milliseconds(100));
    }
    return false;
  }

  DaemonProcess daemon_;
  criclient::Client cri_;
  dockerapi::Client docker_;
  std::vector<std::string> pods_;
  std::chrono::seconds limit_{60};
};

TEST_F(StatsTest, AContainersCountersAreTheKernels) {
  const auto id = Run("one", true).container;
  const auto cgroup = CgroupOf(id);
  ExpectBetween([&] { return StatsOf(id).cpu().usage_core_nano_seconds().value(); },
                [&] { return cgroup.CpuNanos(); });
  ExpectEqual([&] { return StatsOf(id).memory().usage_bytes().value(); },
              [&] { return cgroup.MemoryUsage(); });
  ExpectEqual([&] { return StatsOf(id).memory().working_set_bytes().value(); },
              [&] { return cgroup.WorkingSet(); });
  const auto stats = StatsOf(id);
  EXPECT_EQ(stats.memory().available_bytes().value(),
            (64U << 20) - stats.memory().working_set_bytes().value());
  EXPECT_GT(stats.memory().page_faults().value(), 0U);
  EXPECT_EQ(stats.attributes().metadata().name(), "main");
  EXPECT_THAT(stats.attributes().labels(), ElementsAre(testing::Pair("app", "one")));
}

TEST_F(StatsTest, AContainersCountersAreThoseOfDockerStats) {
  const auto [pod, id] = Run("docker-stats", true);
  ASSERT_TRUE(Exec(cri_, id, {"dd", "if=/dev/zero", "of=/file", "bs=1024", "count=3000"}));
  const auto number = [](const nlohmann::json& stats, const char* part, const char* name) {
    return stats.at(part).value(name, std::uint64_t{0});
  };
  ExpectBetween([&, id = id] { return DockerStatsOf(id)["cpu_stats"]["cpu_usage"]["total_usage"]; },
                [&, id = id] { return StatsOf(id).cpu().usage_core_nano_seconds().value(); });
  ExpectEqual([&, id = id] { return number(DockerStatsOf(id), "memory_stats", "usage"); },
              [&, id = id] { return StatsOf(id).memory().usage_bytes().value(); });
  // As Docker's client reckons what it shows, which is cadvisor's working set.
  const auto shown_memory = [&, id = id] {
    const auto stats = DockerStatsOf(id);
    const auto& files = stats.at("memory_stats").at("stats");
    return number(stats, "memory_stats", "usage") -
           files.value(
               files.contains("total_inactive_file") ? "total_inactive_file" : "inactive_file",
               std::uint64_t{0});
  };
  ExpectEqual(shown_memory,
              [&, id = id] { return StatsOf(id).memory().working_set_bytes().value(); });
  EXPECT_EQ(number(DockerStatsOf(id), "pids_stats", "current"),
            PodStatsOf(pod).linux().process().process_count().value());
}

TEST_F(StatsTest, ABusyContainerHasARate) {
  const auto id = Run("busy", true).container;
  (void)StatsOf(id);
  ASSERT_TRUE(Exec(cri_, id, {"sh", "-c", "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done"}));
  const auto rate = [&] { return StatsOf(id).cpu().usage_nano_cores().value(); };
  EXPECT_TRUE(Eventually([&] { return rate() > 0; }));
}

TEST_F(StatsTest, APodsCountersAreThoseOfItsCgroup) {
  const auto [pod, container] = Run("two", true);
  const auto cgroup = CgroupOf(container).Parent();
  ExpectBetween([&] { return PodStatsOf(pod).linux().cpu().usage_core_nano_seconds().value(); },
                [&] { return cgroup.CpuNanos(); });
  ExpectEqual([&] { return PodStatsOf(pod).linux().memory().working_set_bytes().value(); },
              [&] { return cgroup.WorkingSet(); });
  const auto stats = PodStatsOf(pod);
  EXPECT_EQ(stats.attributes().metadata().name(), "two");
  ASSERT_EQ(stats.linux().containers_size(), 1);
  EXPECT_EQ(stats.linux().containers(0).attributes().id(), container);
  EXPECT_EQ(stats.linux().process().process_count().value(), 1U);
}

TEST_F(StatsTest, APodWithoutACgroupIsTheSumOfItsContainers) {
  const auto [pod, container] = Run("three", false);
  const auto parts = [&, pod = pod, container = container] {
    return CgroupOf(pod).CpuNanos() + CgroupOf(container).CpuNanos();
  };
  ExpectBetween(
      [&, pod = pod] { return PodStatsOf(pod).linux().cpu().usage_core_nano_seconds().value(); },
      parts);
}

TEST_F(StatsTest, APodsNetworkIsThatOfItsNamespace) {
  const auto pod = Run("net", true).pod;
  const std::string file = "/proc/" + std::to_string(PidOf(pod)) + "/net/dev";
  ExpectBetween(
      [&] { return PodStatsOf(pod).linux().network().default_interface().rx_bytes().value(); },
      [&] { return Number(file, "eth0:"); });
  EXPECT_EQ(PodStatsOf(pod).linux().network().default_interface().name(), "eth0");
}

TEST_F(StatsTest, TheWritableLayerIsMeasured) {
  const auto id = Run("writer", true).container;
  ASSERT_TRUE(Exec(cri_, id, {"dd", "if=/dev/zero", "of=/file", "bs=1024", "count=3000"}));
  EXPECT_TRUE(Eventually(
      [&] { return StatsOf(id).writable_layer().used_bytes().value() >= 3000U * 1024; }));
  const auto layer = StatsOf(id).writable_layer();
  EXPECT_LT(layer.used_bytes().value(), 4000U * 1024);
  EXPECT_GE(layer.inodes_used().value(), 2U);
  // Still known when it has ended.
  cri_v1::StopContainerRequest stop;
  stop.set_container_id(id);
  ASSERT_TRUE(cri_.Call(&Runtime::StopContainer, stop));
  const auto ended = StatsOf(id);
  EXPECT_GE(ended.writable_layer().used_bytes().value(), 3000U * 1024);
  EXPECT_FALSE(ended.has_cpu());
  const auto info = cri_.Call(&ImageApi::ImageFsInfo, cri_v1::ImageFsInfoRequest());
  ASSERT_TRUE(info) << info.error().message;
  EXPECT_EQ(info->image_filesystems(0).fs_id().mountpoint(), layer.fs_id().mountpoint());
}

TEST_F(StatsTest, TheImageStoreIsMeasured) {
  const auto id = Run("store", true).container;
  cri_v1::ImageFsInfoResponse info;
  ASSERT_TRUE(Eventually([&] {
    const auto response = cri_.Call(&ImageApi::ImageFsInfo, cri_v1::ImageFsInfoRequest());
    if (response) info = *response;
    // First the whole file system shows for both.
    return response && info.container_filesystems(0).used_bytes().value() > 0 &&
           info.container_filesystems(0).used_bytes().value() <
               info.image_filesystems(0).used_bytes().value();
  }));
  // Busybox and the pause image are small.
  EXPECT_GT(info.image_filesystems(0).used_bytes().value(), 1U << 20);
  EXPECT_LT(info.image_filesystems(0).used_bytes().value(), 200U << 20);
  EXPECT_GT(info.image_filesystems(0).inodes_used().value(), 10U);
}

TEST_F(StatsTest, ListsAndFilters) {
  const auto first = Run("first", true);
  const auto second = Run("second", false);
  EXPECT_THAT(ListIds({}), UnorderedElementsAre(first.container, second.container));
  cri_v1::ContainerStatsFilter filter;
  filter.set_id(first.container);
  EXPECT_THAT(ListIds(filter), ElementsAre(first.container));
  filter.Clear();
  filter.set_pod_sandbox_id(second.pod);
  EXPECT_THAT(ListIds(filter), ElementsAre(second.container));
  filter.Clear();
  (*filter.mutable_label_selector())["app"] = "first";
  EXPECT_THAT(ListIds(filter), ElementsAre(first.container));
  (*filter.mutable_label_selector())["app"] = "none";
  EXPECT_THAT(ListIds(filter), ElementsAre());
  ASSERT_TRUE(StopPod(cri_, first.pod));
  const auto pods = cri_.Call(&Runtime::ListPodSandboxStats, cri_v1::ListPodSandboxStatsRequest());
  ASSERT_TRUE(pods) << pods.error().message;
  ASSERT_EQ(pods->stats_size(), 1);
  EXPECT_EQ(pods->stats(0).attributes().id(), second.pod);
  // Without its counters, as containerd lists it.
  EXPECT_THAT(ListIds({}), UnorderedElementsAre(first.container, second.container));
}

TEST_F(StatsTest, UnknownAndEnded) {
  cri_v1::ContainerStatsRequest container;
  container.set_container_id("0123456789ab");
  EXPECT_EQ(cri_.Call(&Runtime::ContainerStats, container).error().code, Code::kNotFound);
  cri_v1::PodSandboxStatsRequest pod;
  pod.set_pod_sandbox_id("0123456789ab");
  EXPECT_EQ(cri_.Call(&Runtime::PodSandboxStats, pod).error().code, Code::kNotFound);
  pod.set_pod_sandbox_id(Run("ended", true).pod);
  ASSERT_TRUE(StopPod(cri_, pod.pod_sandbox_id()));
  EXPECT_EQ(cri_.Call(&Runtime::PodSandboxStats, pod).error().code, Code::kUnavailable);
}

TEST_F(StatsTest, MetricsAreDescribedAndUnique) {
  const auto first = Run("metrics", true);
  Run("more", false);
  const auto descriptors =
      cri_.Call(&Runtime::ListMetricDescriptors, cri_v1::ListMetricDescriptorsRequest());
  ASSERT_TRUE(descriptors) << descriptors.error().message;
  std::map<std::string, int> labels;
  for (const auto& descriptor : descriptors->descriptors()) {
    labels[descriptor.name()] = descriptor.label_keys_size();
  }
  const auto metrics =
      cri_.Call(&Runtime::ListPodSandboxMetrics, cri_v1::ListPodSandboxMetricsRequest());
  ASSERT_TRUE(metrics) << metrics.error().message;
  EXPECT_EQ(metrics->pod_metrics_size(), 2);
  std::set<std::string> seen;
  const auto check = [&](const auto& all) {
    for (const auto& metric : all) {
      ASSERT_EQ(metric.label_values_size(), labels[metric.name()]) << metric.name();
      std::string key = metric.name();
      for (const auto& label : metric.label_values()) key += "|" + label;
      EXPECT_TRUE(seen.insert(key).second) << key;
    }
  };
  for (const auto& pod : metrics->pod_metrics()) {
    check(pod.metrics());
    ASSERT_EQ(pod.container_metrics_size(), 1);
    check(pod.container_metrics(0).metrics());
  }
}

TEST_F(StatsTest, NothingStaysOpenForWhatIsGone) {
  const auto poll = [&] {
    (void)cri_.Call(&Runtime::ListPodSandboxStats, cri_v1::ListPodSandboxStatsRequest());
  };
  const auto churn = [&](const std::string& name) {
    const auto pod = Run(name, true).pod;
    poll();
    ASSERT_TRUE(RemovePod(cri_, pod));
    poll();
  };
  churn("warm-up");
  const auto before = daemon_.Use().descriptors;
  for (int round = 0; round < 5; ++round) churn("churn-" + std::to_string(round));
  EXPECT_TRUE(Eventually([&] { return daemon_.Use().descriptors <= before + 2; }))
      << before << " descriptors, then " << daemon_.Use().descriptors;
}

}  // namespace
}  // namespace dockershimd::tests
