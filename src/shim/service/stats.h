#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "cri/runtime/v1/api.pb.h"
#include "shim/node/engine.h"
#include "shim/node/model.h"
#include "shim/stats/collector.h"
#include "shim/translate/metrics.h"

namespace dockershimd::shim::service {

/// What containers and pods use: CRI's stats and metrics calls. Read from the kernel when asked;
/// Docker is never asked. Thread-safe.
class Stats {
 public:
  Stats(const node::Engine& engine, const node::Model& model, stats::Collector& collector)
      : engine_(engine), model_(model), collector_(collector) {}

  /// Of a container that does not run: what it has on disk. kNotFound for an unknown one.
  [[nodiscard]] base::Result<runtime::v1::ContainerStatsResponse> Container(
      const runtime::v1::ContainerStatsRequest& request) const;
  [[nodiscard]] base::Result<runtime::v1::ListContainerStatsResponse> ListContainers(
      const runtime::v1::ListContainerStatsRequest& request) const;
  /// kUnavailable for a sandbox that does not run, kNotFound for an unknown one.
  [[nodiscard]] base::Result<runtime::v1::PodSandboxStatsResponse> Pod(
      const runtime::v1::PodSandboxStatsRequest& request) const;
  /// Those that run.
  [[nodiscard]] base::Result<runtime::v1::ListPodSandboxStatsResponse> ListPods(
      const runtime::v1::ListPodSandboxStatsRequest& request) const;
  [[nodiscard]] base::Result<runtime::v1::ListMetricDescriptorsResponse> MetricDescriptors() const;
  /// Of pods and containers that run.
  [[nodiscard]] base::Result<runtime::v1::ListPodSandboxMetricsResponse> ListMetrics() const;

 private:
  struct Sampled {
    stats::PodSample pod;
    std::vector<stats::ContainerSample> containers;  ///< in the order asked for
  };

  [[nodiscard]] Sampled Sample(const translate::SandboxRecord& sandbox,
                               const std::vector<node::ContainerPtr>& containers,
                               linuxos::Detail detail) const;
  [[nodiscard]] runtime::v1::PodSandboxStats StatsOf(
      const translate::SandboxRecord& sandbox, const std::vector<node::ContainerPtr>& containers,
      const std::string& store_folder) const;
  [[nodiscard]] runtime::v1::PodSandboxMetrics MetricsOf(
      const translate::SandboxRecord& sandbox, const translate::LayerFilesystem& filesystem) const;
  [[nodiscard]] std::string StoreFolder() const;

  const node::Engine& engine_;
  const node::Model& model_;
  stats::Collector& collector_;
};

}  // namespace dockershimd::shim::service
