#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "cri/runtime/v1/api.pb.h"
#include "criclient/client.h"

namespace dockershimd::tests {

inline const std::string kBusybox = "registry.k8s.io/e2e-test-images/busybox:1.29-2";

using Runtime = runtime::v1::RuntimeService::StubInterface;
using ImageApi = runtime::v1::ImageService::StubInterface;

/// A pod as kubelet would ask for it; `name` also makes its uid.
[[nodiscard]] runtime::v1::PodSandboxConfig PodConfig(const std::string& name);

/// A container that sleeps until it is told to end.
[[nodiscard]] runtime::v1::ContainerConfig SleeperConfig(const std::string& name);

// The CRI calls of a pod's life, by their plain results.
[[nodiscard]] base::Result<std::string> RunPod(criclient::Client& cri,
                                               const runtime::v1::PodSandboxConfig& pod,
                                               const std::string& handler = {});
[[nodiscard]] base::Result<std::string> CreateContainer(
    criclient::Client& cri, const std::string& pod_id, const runtime::v1::PodSandboxConfig& pod,
    const runtime::v1::ContainerConfig& container);
[[nodiscard]] base::Status StartContainer(criclient::Client& cri, const std::string& id);
[[nodiscard]] base::Status StopContainer(criclient::Client& cri, const std::string& id,
                                         std::int64_t grace_seconds);
[[nodiscard]] base::Status RemoveContainer(criclient::Client& cri, const std::string& id);
[[nodiscard]] base::Status StopPod(criclient::Client& cri, const std::string& id);
[[nodiscard]] base::Status RemovePod(criclient::Client& cri, const std::string& id);
[[nodiscard]] base::Result<runtime::v1::PodSandboxStatus> PodStatus(criclient::Client& cri,
                                                                    const std::string& id);
[[nodiscard]] base::Result<runtime::v1::ContainerStatus> StatusOf(criclient::Client& cri,
                                                                  const std::string& id);
[[nodiscard]] base::Result<runtime::v1::ExecSyncResponse> Exec(
    criclient::Client& cri, const std::string& id, const std::vector<std::string>& command);
[[nodiscard]] base::Status Pull(criclient::Client& cri, const std::string& image);

}  // namespace dockershimd::tests
