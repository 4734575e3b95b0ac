#pragma once

#include <filesystem>
#include <string>

#include "base/result.h"
#include "cri/runtime/v1/api.pb.h"
#include "criclient/client.h"

namespace dockershimd::bench {

/// The images of all pods here; the engines must have them.
inline const std::string kPauseImage = "registry.k8s.io/pause:3.9";
inline const std::string kImage = "registry.k8s.io/e2e-test-images/busybox:1.29-2";

/// What a kubelet asks for to run a pod of one container: labels, annotations, environment, mounts
/// and a cgroup as it makes them. The container ends at once when it is told to.
struct Pod {
  std::string name;
  runtime::v1::PodSandboxConfig sandbox;
  runtime::v1::ContainerConfig container;
};

/// `state` is a folder that client and runtime see under the same path: the files that kubelet
/// keeps for the pod are made there. `name` also makes the pod's uid.
[[nodiscard]] Pod MakePod(const std::filesystem::path& state, const std::string& name);

/// Where the pod's cgroup is below each hierarchy's root, without a leading slash.
[[nodiscard]] std::string CgroupOf(const Pod& pod);

/// A pod that runs.
struct RunningPod {
  Pod pod;
  std::string sandbox_id;
  std::string container_id;
};

// A pod's life by the calls that kubelet makes, in its order.
[[nodiscard]] base::Result<RunningPod> Start(criclient::Client& client, Pod pod);
[[nodiscard]] base::Status StopAndRemove(criclient::Client& client, const RunningPod& running);

}  // namespace dockershimd::bench
