#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "base/result.h"

namespace dockershimd::shim::linuxos {

/// Who a process is: real ids and supplementary groups, in the kernel's order.
struct ProcessIdentity {
  std::int64_t uid = 0;
  std::int64_t gid = 0;
  std::vector<std::int64_t> groups;
};

/// kNotFound when the process is gone. `proc` is for tests.
[[nodiscard]] base::Result<ProcessIdentity> IdentityOf(int pid,
                                                       const std::filesystem::path& proc = "/proc");

/// Also true of one that has ended and was not reaped yet.
[[nodiscard]] bool ProcessExists(int pid);

}  // namespace dockershimd::shim::linuxos
