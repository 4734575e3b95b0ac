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

/// Appends the CRI line of the record of Docker's json-file log that `bytes` begin with, as Docker
/// mostly writes them: returns its length with its newline. Returns 0, with nothing appended, if it
/// is not whole or is for AppendUnusualRecord. `out` gets room for all of `bytes`.
[[nodiscard]] std::size_t AppendRecord(std::string_view bytes, std::string& out);

/// Appends the CRI lines of one line of Docker's file, given without its newline, by a complete
/// JSON parser. Returns false, with nothing appended, if that line is no record of Docker's.
[[nodiscard]] bool AppendUnusualRecord(std::string_view record, std::string& out);

/// The time at the start of a CRI log line; nothing if it has none.
[[nodiscard]] std::optional<base::UnixNanos> TimeOfLine(std::string_view line);

}  // namespace dockershimd::shim::logs
