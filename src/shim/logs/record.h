#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"

namespace dockershimd::shim::logs {

/// Appends one CRI log line, "<time> <stream> <P|F> <text>\n". `text` with its newline is a full
/// line (F), without it a part of one (P).
void AppendLine(std::string_view time, std::string_view stream, std::string_view text,
                std::string& out);

/// Appends the CRI line of one line of Docker's json-file log, given without its newline. Returns
/// false, with nothing appended, if that line is no record of Docker's.
[[nodiscard]] bool AppendRecord(std::string_view record, std::string& out);

/// As AppendRecord, by a complete JSON parser: for what Docker seldom writes.
[[nodiscard]] bool AppendUnusualRecord(std::string_view record, std::string& out);

/// The time at the start of a CRI log line; nothing if it has none.
[[nodiscard]] std::optional<base::UnixNanos> TimeOfLine(std::string_view line);

}  // namespace dockershimd::shim::logs
