#pragma once

#include <string>

#include "base/result.h"
#include "cri/runtime/v1/api.pb.h"
#include "dockerapi/containers.h"
#include "shim/translate/engine_view.h"
#include "shim/translate/mounts.h"
#include "shim/translate/security.h"

namespace dockershimd::shim::translate {

/// What a container of a pod is made from.
struct ContainerInput {
  const runtime::v1::ContainerConfig& asked;  ///< as CRI gave it: what status calls echo
  /// The same with the host side of its mounts resolved to what Docker is to bind.
  const runtime::v1::ContainerConfig& config;
  const runtime::v1::PodSandboxConfig& sandbox_config;
  std::string sandbox_id;
  std::string runtime_handler;  ///< the sandbox's
  SubMounts sub_mounts = {};    ///< of `config`'s recursive read-only mounts
  /// The image's, where NeedsAccounts() says so.
  const ImageAccounts* accounts = nullptr;
};

/// Refuses what CreateContainer cannot work with: missing metadata or image, Windows settings.
[[nodiscard]] base::Status CheckContainerConfig(const runtime::v1::ContainerConfig& config);

/// The container for a pod's container config.
[[nodiscard]] base::Result<dockerapi::ContainerSpec> ContainerSpecOf(
    const ContainerInput& input, const EngineView& engine, const ProfileReader& read_profile);

/// Where kubelet reads the log: the sandbox's log directory joined with the container's log path.
/// Empty when either is.
[[nodiscard]] std::string LogPathOf(const runtime::v1::PodSandboxConfig& sandbox,
                                    const runtime::v1::ContainerConfig& container);

/// Docker's name of a CRI stop signal ("SIGTERM", "SIGRTMIN+1"); empty for the image's.
/// kInvalidArgument for a value that is none.
[[nodiscard]] base::Result<std::string> StopSignalName(runtime::v1::Signal signal);

/// The way back, for what Docker shows of a container: an image may spell it "SIGTERM", "term" or
/// "15", and an empty text means SIGTERM. SIGNAL_RUNTIME_DEFAULT for what is no signal.
[[nodiscard]] runtime::v1::Signal StopSignalOf(const std::string& name);

}  // namespace dockershimd::shim::translate
