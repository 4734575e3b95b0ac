// Stats and metrics, as kubelet's summary and kubectl top show them.
#include <algorithm>
#include <set>

#include "compare/scenario.h"

namespace dockershimd::compare {
namespace {

/// Holds memory, writes a file, counts for ever.
cri::ContainerConfig Worker(Session& s) {
  auto config =
      s.Shell("main",
              "trap 'exit 0' TERM; dd if=/dev/zero of=/written bs=1M count=8 2>/dev/null; "
              "x=$(head -c 4000000 /dev/zero | tr '\\0' x); echo up; "
              "i=0; while :; do i=$((i+1)); done");
  auto& resources = *config.mutable_linux()->mutable_resources();
  resources.set_cpu_period(100000);
  resources.set_cpu_quota(20000);
  resources.set_memory_limit_in_bytes(128 << 20);
  return config;
}

cri::ContainerStats StatsOf(Session& s, const std::string& container) {
  cri::ContainerStatsRequest request;
  request.set_container_id(container);
  return s.Ask("ContainerStats", &Runtime::ContainerStats, request).stats();
}

void Container(Session& s) {
  const auto pod = s.RunPod(s.PodConfig("stats"));
  const auto config = Worker(s);
  const auto id = s.Run(pod, config);
  s.Verify("it works", s.WaitForLog(pod, config, "up"));
  const auto first = StatsOf(s, id);
  s.Verify("CPU time grows", s.WaitUntil([&] {
    return StatsOf(s, id).cpu().usage_core_nano_seconds().value() >
           first.cpu().usage_core_nano_seconds().value();
  }));
  s.Verify("memory in use is seen", first.memory().working_set_bytes().value() >= 4000000,
           std::to_string(first.memory().working_set_bytes().value()));
  s.Verify(
      "what was written is seen, within 90 s",
      s.WaitUntil([&] { return StatsOf(s, id).writable_layer().used_bytes().value() >= 8 << 20; },
                  std::chrono::seconds(90)));
  s.Verify("CPU per second is known, within 60 s",
           s.WaitUntil([&] { return StatsOf(s, id).cpu().usage_nano_cores().value() > 0; },
                       std::chrono::seconds(60)));
  auto stats = StatsOf(s, id);
  s.Name(stats.writable_layer().fs_id().mountpoint(), "<container folder>");
  cri::ContainerStatsResponse answer;
  *answer.mutable_stats() = stats;
  s.Record("running", answer);
  cri::ListContainerStatsRequest list;
  list.mutable_filter()->set_pod_sandbox_id(pod.id);
  s.Record("listed", s.Ask("ListContainerStats", &Runtime::ListContainerStats, list));
  s.Stop(id);
  cri::ContainerStatsRequest request;
  request.set_container_id(id);
  s.ObserveCode("ContainerStats after the end", s.Try(&Runtime::ContainerStats, request));
}

void PodStats(Session& s) {
  const auto pod = s.RunPod(s.PodConfig("podstats"));
  const auto config = Worker(s);
  const auto id = s.Run(pod, config);
  s.Verify("it works", s.WaitForLog(pod, config, "up"));
  (void)StatsOf(s, id);
  cri::ListPodSandboxStatsRequest list;
  list.mutable_filter()->set_id(pod.id);
  s.ObserveCode("ListPodSandboxStats", s.Try(&Runtime::ListPodSandboxStats, list));
  cri::PodSandboxStatsRequest request;
  request.set_pod_sandbox_id(pod.id);
  const auto answer = s.Ask("PodSandboxStats", &Runtime::PodSandboxStats, request);
  for (const auto& container : answer.stats().linux().containers()) {
    s.Name(container.writable_layer().fs_id().mountpoint(), "<container folder>");
  }
  s.Record("running", answer);
}

void Metrics(Session& s) {
  const auto descriptors = s.Try(&Runtime::ListMetricDescriptors, {});
  s.ObserveCode("ListMetricDescriptors", descriptors);
  const auto pod = s.RunPod(s.PodConfig("metrics"));
  const auto config = Worker(s);
  (void)s.Run(pod, config);
  s.Verify("it works", s.WaitForLog(pod, config, "up"));
  const auto metrics = s.Try(&Runtime::ListPodSandboxMetrics, {});
  s.ObserveCode("ListPodSandboxMetrics", metrics);
  std::set<std::string> names;
  if (metrics) {
    for (const auto& row : metrics->pod_metrics()) {
      if (row.pod_sandbox_id() != pod.id) continue;
      for (const auto& metric : row.metrics()) names.insert(metric.name());
      for (const auto& container : row.container_metrics()) {
        for (const auto& metric : container.metrics()) names.insert(metric.name());
      }
    }
  }
  for (const auto& name : names) s.Observe("metric " + name, "reported");
}

constexpr Scenario kScenarios[] = {
    {"stats/container", "CPU, memory and disk of a busy container", Container},
    {"stats/pod", "the same of its pod, and the network's", PodStats},
    {"stats/metrics", "metrics for the node's Prometheus endpoint", Metrics},
};

}  // namespace

std::span<const Scenario> StatsScenarios() { return kScenarios; }

}  // namespace dockershimd::compare
