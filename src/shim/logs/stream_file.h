#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "shim/logs/log_pipeline.h"

namespace dockershimd::shim::logs {

/// A stream as it is remembered over a restart, without its container's id.
[[nodiscard]] std::string EncodeStream(const LogStream& stream);
/// Nothing if this is no remembered stream, or half of one.
[[nodiscard]] std::optional<LogStream> DecodeStream(const std::string& container_id,
                                                    std::string_view stored);

}  // namespace dockershimd::shim::logs
