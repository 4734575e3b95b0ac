#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "cri/runtime/v1/api.pb.h"

namespace dockershimd::shim::translate {

/// What an image knows about users: its default user and its /etc/passwd and /etc/group, empty
/// where it has no such file.
struct ImageAccounts {
  std::string default_user;  ///< "", "user" or "user:group", each by name or number
  std::string passwd;
  std::string group;
};

/// Who a container's first process is.
struct ProcessUser {
  std::int64_t uid = 0;
  std::int64_t gid = 0;
  std::vector<std::int64_t> groups;  ///< in addition to `gid`
};

/// Whether the request means another user or other groups than Docker would find by itself:
/// with a group in its User, Docker leaves out the image's memberships, without one it adds them.
[[nodiscard]] bool NeedsAccounts(const runtime::v1::LinuxContainerSecurityContext& security);

/// The user that the request means in an image. kInvalidArgument for a user or group name that
/// the image does not have.
[[nodiscard]] base::Result<ProcessUser> ResolveUser(
    const runtime::v1::LinuxContainerSecurityContext& security, const ImageAccounts& accounts);

/// Refuses ids that the kernel or Docker cannot have, a group without a user, and an unknown
/// policy for supplementary groups.
[[nodiscard]] base::Status CheckUser(const runtime::v1::LinuxContainerSecurityContext& security);

/// The same for one id; `field` is the name that errors use.
[[nodiscard]] base::Status CheckId(std::int64_t id, std::string_view field);

}  // namespace dockershimd::shim::translate
