#pragma once

#include <cstdint>
#include <set>
#include <string>

#include "cri/runtime/v1/api.pb.h"
#include "random_config.h"

namespace dockershimd::tests {

using Ids = std::set<std::int64_t>;

// What the kernel must show for a configuration, worked out from CRI's words alone.

/// As /proc/PID/status has the mode: "0" or "2".
[[nodiscard]] std::string ExpectedSeccomp(
    const runtime::v1::LinuxContainerSecurityContext& security);
[[nodiscard]] std::string ExpectedSeccomp(const runtime::v1::LinuxSandboxSecurityContext& security);
[[nodiscard]] bool HasLocalProfile(const runtime::v1::LinuxContainerSecurityContext& security);

/// The bits that the container's root has.
[[nodiscard]] std::uint64_t ExpectedCapabilities(
    const runtime::v1::LinuxContainerSecurityContext& security, const Host& host);

struct Identity {
  std::int64_t uid = 0;
  std::int64_t gid = 0;
  Ids groups;  ///< with `gid`
};
/// For containers of RandomConfig's images.
[[nodiscard]] Identity ExpectedIdentity(const runtime::v1::ContainerConfig& config);

/// A host that lacks CAP_SYS_RESOURCE cannot give a score below that of whoever gives it, which is
/// ours and `above_own`.
[[nodiscard]] std::int64_t ExpectedOomScore(std::int64_t asked, std::int64_t above_own = 0);

}  // namespace dockershimd::tests
