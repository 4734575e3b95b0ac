#pragma once

#include <chrono>
#include <filesystem>
#include <vector>

#include "base/result.h"

namespace dockershimd::bench {

/// How long line_writer's lines took to the file that kubelet reads.
struct LogTimes {
  std::chrono::nanoseconds whole{0};  ///< from the first line's start until the last could be read
  std::vector<double> lags_ms;        ///< of each line, from its time until it could be read
};

/// Waits for the end of a log, in CRI's or Docker's format, and looks at nothing but that: reading
/// all of it would take the writers' time. `lags_ms` stays empty.
[[nodiscard]] base::Result<LogTimes> AwaitEndOfLog(const std::filesystem::path& path);

/// Reads a log as it grows, over rotations too, to its end. A line is seen up to a millisecond
/// late.
[[nodiscard]] base::Result<LogTimes> FollowLog(const std::filesystem::path& path);

}  // namespace dockershimd::bench
