#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace dockershimd::base {

/// Nanoseconds since the Unix epoch, as CRI counts time. 0 stands for "not set".
using UnixNanos = std::int64_t;

/// Reads RFC 3339 as Docker writes it: any number of fraction digits, Z or an offset.
/// Go's zero time "0001-01-01T00:00:00Z" and an empty text read as 0.
[[nodiscard]] Result<UnixNanos> ParseRfc3339(std::string_view text);

/// "2026-01-02T03:04:05.000000006Z": always nine digits, always UTC, as CRI log lines need it.
[[nodiscard]] std::string FormatRfc3339(UnixNanos time);

/// The wall clock now.
[[nodiscard]] UnixNanos WallClockNow();

}  // namespace dockershimd::base
