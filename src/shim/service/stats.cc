#include "shim/service/stats.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/in_parallel.h"
#include "shim/service/image_store.h"
#include "shim/service/rows.h"
#include "shim/translate/metrics.h"
#include "shim/translate/names.h"
#include "shim/translate/stats.h"

namespace dockershimd::shim::service {
namespace {

using base::Code;
using base::Fail;
using base::Result;
using linuxos::Detail;
using node::ContainerPtr;
using node::SandboxPtr;

template <class Ptr, class Condition>
std::vector<Ptr> Wanted(const node::Snapshot<Ptr>& all, const Condition& condition) {
  std::vector<Ptr> wanted;
  std::ranges::copy_if(all, std::back_inserter(wanted),
                       [&](const Ptr& item) { return condition(*item); });
  return wanted;
}

/// Adds `make(index)` for each index below `count` to a list's response. Mostly the kernel's time,
/// in dozens of small files for each pod: who waits for all pods is served by several processors,
/// which encode the rows, too.
template <class Make>
void AddRows(std::size_t count, google::protobuf::Message* response, const Make& make) {
  constexpr std::size_t kWorthAThread = 8;
  std::vector<std::string> rows(count);
  base::ForEachInParallel(count, kWorthAThread, [&](std::size_t index) {
    rows[index] = make(index).SerializeAsString();
  });
  for (auto& row : rows) AddEncodedRow(std::move(row), response);
}

}  // namespace

std::string Stats::StoreFolder() const {
  const auto facts = engine_.Facts();
  return facts ? ImageStoreOf(**facts).folder : "";
}

Result<runtime::v1::ContainerStatsResponse> Stats::Container(
    const runtime::v1::ContainerStatsRequest& request) const {
  const auto container = model_.FindContainer(request.container_id());
  if (!container) return Fail(container.error());
  const auto sample = collector_.Sample(translate::ToTarget(**container), Detail::kStats);
  runtime::v1::ContainerStatsResponse response;
  *response.mutable_stats() = translate::ToContainerStats(**container, sample, StoreFolder());
  return response;
}

Result<runtime::v1::ListContainerStatsResponse> Stats::ListContainers(
    const runtime::v1::ListContainerStatsRequest& request) const {
  const auto containers = Wanted<ContainerPtr>(model_.Containers(), [&](const auto& it) {
    return translate::Matches(request.filter(), it);
  });
  const std::string store_folder = StoreFolder();
  runtime::v1::ListContainerStatsResponse response;
  AddRows(containers.size(), &response, [&](std::size_t index) {
    const auto& container = *containers[index];
    const auto sample = collector_.Sample(translate::ToTarget(container), Detail::kStats);
    return translate::ToContainerStats(container, sample, store_folder);
  });
  return response;
}

Stats::Sampled Stats::Sample(const translate::SandboxRecord& sandbox,
                             const std::vector<ContainerPtr>& containers, Detail detail) const {
  Sampled sampled;
  sampled.containers.reserve(containers.size());
  for (const auto& container : containers) {
    sampled.containers.push_back(collector_.Sample(translate::ToTarget(*container), detail));
  }
  sampled.pod = collector_.Sample(translate::ToTarget(sandbox), sampled.containers, detail);
  return sampled;
}

runtime::v1::PodSandboxStats Stats::StatsOf(const translate::SandboxRecord& sandbox,
                                            const std::vector<ContainerPtr>& containers,
                                            const std::string& store_folder) const {
  const auto sampled = Sample(sandbox, containers, Detail::kStats);
  auto stats = translate::ToPodSandboxStats(sandbox, sampled.pod, sampled.containers);
  for (std::size_t index = 0; index < containers.size(); ++index) {
    *stats.mutable_linux()->add_containers() =
        translate::ToContainerStats(*containers[index], sampled.containers[index], store_folder);
  }
  return stats;
}

Result<runtime::v1::PodSandboxStatsResponse> Stats::Pod(
    const runtime::v1::PodSandboxStatsRequest& request) const {
  const auto sandbox = model_.FindSandbox(request.pod_sandbox_id());
  if (!sandbox) return Fail(sandbox.error());
  const auto& details = (*sandbox)->details;
  if (!details.state.running) {
    return Fail(Code::kUnavailable, "pod sandbox {} ({}) does not run and has no stats", details.id,
                translate::Describe((*sandbox)->config.Get().metadata()));
  }
  runtime::v1::PodSandboxStatsResponse response;
  *response.mutable_stats() = StatsOf(**sandbox, model_.ContainersOf(details.id), StoreFolder());
  return response;
}

Result<runtime::v1::ListPodSandboxStatsResponse> Stats::ListPods(
    const runtime::v1::ListPodSandboxStatsRequest& request) const {
  const auto sandboxes = Wanted<SandboxPtr>(model_.Sandboxes(), [&](const auto& sandbox) {
    return sandbox.details.state.running && translate::Matches(request.filter(), sandbox);
  });
  const std::string store_folder = StoreFolder();
  runtime::v1::ListPodSandboxStatsResponse response;
  AddRows(sandboxes.size(), &response, [&](std::size_t index) {
    const auto& sandbox = *sandboxes[index];
    return StatsOf(sandbox, model_.ContainersOf(sandbox.details.id), store_folder);
  });
  return response;
}

Result<runtime::v1::ListMetricDescriptorsResponse> Stats::MetricDescriptors() const {
  return translate::MetricDescriptors();
}

runtime::v1::PodSandboxMetrics Stats::MetricsOf(
    const translate::SandboxRecord& sandbox, const translate::LayerFilesystem& filesystem) const {
  const auto containers = model_.ContainersOf(sandbox.details.id);
  const auto sampled = Sample(sandbox, containers, Detail::kMetrics);
  auto metrics = translate::ToPodSandboxMetrics(sandbox, sampled.pod);
  for (std::size_t index = 0; index < containers.size(); ++index) {
    const auto& sample = sampled.containers[index];
    if (sample.group.taken_at == 0) continue;
    *metrics.add_container_metrics() =
        translate::ToContainerMetrics(sandbox, *containers[index], sample, filesystem);
  }
  return metrics;
}

Result<runtime::v1::ListPodSandboxMetricsResponse> Stats::ListMetrics() const {
  const auto sandboxes = Wanted<SandboxPtr>(
      model_.Sandboxes(), [](const auto& sandbox) { return sandbox.details.state.running; });
  const auto filesystem = FilesystemOf(StoreFolder());
  runtime::v1::ListPodSandboxMetricsResponse response;
  AddRows(sandboxes.size(), &response,
          [&](std::size_t index) { return MetricsOf(*sandboxes[index], filesystem); });
  return response;
}

}  // namespace dockershimd::shim::service
