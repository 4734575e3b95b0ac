#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cri/runtime/v1/api.pb.h"
#include "dockerapi/containers.h"
#include "shim/translate/engine_view.h"
#include "shim/translate/users.h"

namespace dockershimd::shim::translate {

/// Gives the text of a seccomp profile file: the one input that is not in the CRI message.
using ProfileReader = std::function<base::Result<std::string>(const std::string& path)>;

/// Docker's SecurityOpt entries for a profile. `deprecated_path` is the field of older kubelets
/// ("runtime/default", "unconfined", "localhost/<path>"); it counts only without `profile`.
/// `field` is the name that errors use. No profile at all means unconfined, as CRI has it.
[[nodiscard]] base::Result<std::vector<std::string>> SeccompOptions(
    const runtime::v1::SecurityProfile* profile, const std::string& deprecated_path,
    const EngineView& engine, const ProfileReader& read_profile, std::string_view field);

/// As SeccompOptions, for AppArmor. Without a profile: the engine's default.
[[nodiscard]] base::Result<std::vector<std::string>> AppArmorOptions(
    const runtime::v1::SecurityProfile* profile, const std::string& deprecated_name,
    const EngineView& engine, std::string_view field);

/// "label=user:..." entries.
[[nodiscard]] std::vector<std::string> SelinuxOptions(const runtime::v1::SELinuxOption& selinux);

/// "uid", "uid:gid", "name", "name:gid" or empty for the image's user, as the request has it.
[[nodiscard]] std::string UserOf(const runtime::v1::LinuxContainerSecurityContext& security);

/// Fills in all of a container's security context but its namespaces. `accounts`: the image's,
/// where NeedsAccounts() says so; null otherwise.
[[nodiscard]] base::Status ApplyContainerSecurity(
    const runtime::v1::LinuxContainerSecurityContext& security, const EngineView& engine,
    const ImageAccounts* accounts, const ProfileReader& read_profile,
    dockerapi::ContainerSpec* spec);

}  // namespace dockershimd::shim::translate
