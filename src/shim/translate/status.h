#pragma once

#include <string>
#include <vector>

#include "cri/runtime/v1/api.pb.h"
#include "shim/translate/records.h"

namespace dockershimd::shim::translate {

[[nodiscard]] runtime::v1::PodSandboxState SandboxState(const SandboxRecord& sandbox,
                                                        const NetworkView& network);
[[nodiscard]] runtime::v1::ContainerState ContainerStateOf(const ContainerRecord& container);

/// List rows and statuses.
[[nodiscard]] runtime::v1::PodSandbox ToPodSandbox(const SandboxRecord& sandbox,
                                                   const NetworkView& network);
[[nodiscard]] runtime::v1::PodSandboxStatus ToPodSandboxStatus(const SandboxRecord& sandbox,
                                                               const NetworkView& network);
[[nodiscard]] runtime::v1::Container ToContainer(const ContainerRecord& container);
[[nodiscard]] runtime::v1::ContainerStatus ToContainerStatus(const ContainerRecord& container);

/// The user that the container was created with, where Docker knows it as numbers.
void FillUser(const ContainerRecord& container, runtime::v1::ContainerStatus* status);

/// The "info" entry of verbose answers, as JSON: what `crictl inspect` prints.
[[nodiscard]] std::string SandboxInfo(const SandboxRecord& sandbox);
[[nodiscard]] std::string ContainerInfo(const ContainerRecord& container);

/// CRI filters: an empty field lets everything through; an id may be shortened.
[[nodiscard]] bool Matches(const runtime::v1::PodSandboxFilter& filter,
                           const SandboxRecord& sandbox);
[[nodiscard]] bool Matches(const runtime::v1::ContainerFilter& filter,
                           const ContainerRecord& container);

}  // namespace dockershimd::shim::translate
