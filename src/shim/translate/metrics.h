#pragma once

#include <cstdint>
#include <string>

#include "cri/runtime/v1/api.pb.h"
#include "shim/stats/sample.h"
#include "shim/translate/records.h"

namespace dockershimd::shim::translate {

/// The file system that holds the writable layers.
struct LayerFilesystem {
  std::string device;
  std::uint64_t bytes = 0;
  std::uint64_t used_bytes = 0;
  std::uint64_t inodes = 0;
  std::uint64_t free_inodes = 0;
};

/// The names, texts and label names of cadvisor's metrics, so that dashboards and rules made for
/// it go on working. CRI has whole numbers only: seconds are cut.
[[nodiscard]] runtime::v1::ListMetricDescriptorsResponse MetricDescriptors();

/// A pod's metrics without those of its containers.
[[nodiscard]] runtime::v1::PodSandboxMetrics ToPodSandboxMetrics(const SandboxRecord& sandbox,
                                                                 const stats::PodSample& sample);

[[nodiscard]] runtime::v1::ContainerMetrics ToContainerMetrics(const SandboxRecord& sandbox,
                                                               const ContainerRecord& container,
                                                               const stats::ContainerSample& sample,
                                                               const LayerFilesystem& filesystem);

}  // namespace dockershimd::shim::translate
