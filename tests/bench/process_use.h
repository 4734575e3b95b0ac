#pragma once

#include <sys/types.h>

#include <cstdint>

namespace dockershimd::bench {

/// What a process holds, in KiB.
struct MemoryUse {
  double resident = 0;
  double anonymous = 0;  ///< of the resident: its own data
  double file = 0;       ///< of the resident: program and libraries
};

[[nodiscard]] MemoryUse MemoryOf(pid_t pid);

/// CPU time of all threads, those that have ended too; 0 for a process that is gone.
[[nodiscard]] std::int64_t CpuNanosOf(pid_t pid);

/// The number that a process has in the innermost of its PID namespaces; 0 once it is gone.
[[nodiscard]] pid_t InnerPidOf(pid_t pid);

}  // namespace dockershimd::bench
