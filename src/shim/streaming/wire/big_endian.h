#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace dockershimd::shim::streaming::wire {

/// Reads all of `bytes` (at most 8) as one number, the highest byte first.
[[nodiscard]] inline std::uint64_t ReadBigEndian(std::string_view bytes) {
  std::uint64_t value = 0;
  for (const char byte : bytes) value = value << 8 | static_cast<unsigned char>(byte);
  return value;
}

/// Appends the lowest `size` bytes of `value`, the highest first.
inline void AppendBigEndian(std::uint64_t value, std::size_t size, std::string* bytes) {
  for (std::size_t left = size; left > 0; --left) {
    bytes->push_back(static_cast<char>(value >> (8 * (left - 1)) & 0xff));
  }
}

}  // namespace dockershimd::shim::streaming::wire
