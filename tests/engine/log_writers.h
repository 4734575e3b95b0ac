#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "cri/runtime/v1/api.pb.h"

namespace dockershimd::tests {

/// A container that writes the lines of log_lines.h and ends.
[[nodiscard]] runtime::v1::ContainerConfig WriterConfig(const std::string& name, std::uint64_t seed,
                                                        std::uint64_t lines, int pause_micros = 0);

/// What is wrong with a CRI log that should hold these lines once, in order by stream, and no
/// others; empty if nothing is.
[[nodiscard]] std::string CheckLines(std::string_view cri_log, std::uint64_t seed,
                                     std::uint64_t lines);

}  // namespace dockershimd::tests
