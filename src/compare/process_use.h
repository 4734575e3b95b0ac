#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>
#include <vector>

#include "base/result.h"

namespace dockershimd::compare {

/// What a process has used so far.
struct ProcessUse {
  pid_t pid = 0;
  std::string name;
  std::chrono::milliseconds cpu{0};           ///< its own
  std::chrono::milliseconds children_cpu{0};  ///< of children that ended and were waited for
  std::size_t resident_kib = 0;
};

/// Read from /proc. kNotFound where there is no such process.
[[nodiscard]] base::Result<ProcessUse> UseOf(pid_t pid);

/// A process over the rounds in which latencies were measured.
struct ProcessCost {
  std::string side;  ///< "left" or "right"
  ProcessUse use;    ///< CPU: spent during the rounds; memory: after them
};

/// Of all of them, each given by its id or by a file that holds it. A process that is not there is
/// an error that names it.
[[nodiscard]] base::Result<std::vector<ProcessUse>> UsesOf(
    const std::vector<std::string>& processes);

/// What was spent between the two, process by process.
[[nodiscard]] std::vector<ProcessCost> CostsOf(const std::string& side,
                                               const std::vector<ProcessUse>& before,
                                               const std::vector<ProcessUse>& after);

}  // namespace dockershimd::compare
