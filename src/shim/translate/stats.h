#pragma once

#include <span>
#include <string>

#include "cri/runtime/v1/api.pb.h"
#include "shim/stats/collector.h"
#include "shim/stats/sample.h"
#include "shim/translate/records.h"

namespace dockershimd::shim::translate {

/// What the collector must know to take a sample.
[[nodiscard]] stats::Collector::Container ToTarget(const ContainerRecord& container);
[[nodiscard]] stats::Collector::Pod ToTarget(const SandboxRecord& sandbox);

/// Fields that the kernel does not give stay unset. `store_folder`: the mountpoint of
/// ImageFsInfo, on which the writable layer is.
[[nodiscard]] runtime::v1::ContainerStats ToContainerStats(const ContainerRecord& container,
                                                           const stats::ContainerSample& sample,
                                                           const std::string& store_folder);

/// Without the stats of its containers: for the caller to add.
[[nodiscard]] runtime::v1::PodSandboxStats ToPodSandboxStats(
    const SandboxRecord& sandbox, const stats::PodSample& sample,
    std::span<const stats::ContainerSample> containers);

/// CRI filters: an empty field lets everything through; an id may be shortened.
[[nodiscard]] bool Matches(const runtime::v1::ContainerStatsFilter& filter,
                           const ContainerRecord& container);
[[nodiscard]] bool Matches(const runtime::v1::PodSandboxStatsFilter& filter,
                           const SandboxRecord& sandbox);

[[nodiscard]] runtime::v1::FilesystemUsage ToFilesystemUsage(const std::string& mountpoint,
                                                             const stats::FolderUse& use);

}  // namespace dockershimd::shim::translate
