#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "cri/runtime/v1/api.pb.h"
#include "dockerapi/containers.h"
#include "shim/translate/engine_view.h"

namespace dockershimd::shim::translate {

/// The mount points below a host path, by that path: for mounts that are to be read-only with all
/// that is below, on engines that cannot do that by themselves.
using SubMounts = std::map<std::string, std::vector<std::string>>;

using MountList = google::protobuf::RepeatedPtrField<runtime::v1::Mount>;

/// CRI mounts as HostConfig.Mounts, or as Binds where only those can do it (SELinux relabelling).
/// Errors name the field and the mount's place in the container.
[[nodiscard]] base::Status ApplyMounts(const MountList& mounts, const SubMounts& sub_mounts,
                                       const EngineView& engine, dockerapi::HostConfig* host);

/// Devices and CDI devices.
[[nodiscard]] base::Status ApplyDevices(const runtime::v1::ContainerConfig& config,
                                        const EngineView& engine, dockerapi::HostConfig* host);

}  // namespace dockershimd::shim::translate
