#pragma once

#include <spdlog/spdlog.h>

#include <string>

#include "base/result.h"

namespace dockershimd::base {

enum class LogFormat { kText, kJson };

/// Sets up the process's log on stderr: one line an event. `level` is one of trace, debug, info,
/// warn, error. Call once, before the first thread; log with spdlog::info() and its siblings.
[[nodiscard]] Status SetUpLog(const std::string& level, LogFormat format);

}  // namespace dockershimd::base
