#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace dockershimd::shim::linuxos {

/// What went through one interface since it was made.
struct InterfaceCounters {
  struct Direction {
    std::uint64_t bytes = 0;
    std::uint64_t packets = 0;
    std::uint64_t errors = 0;
    std::uint64_t dropped = 0;
    bool operator==(const Direction&) const = default;
  };
  std::string name;
  Direction received;
  Direction sent;
  bool operator==(const InterfaceCounters&) const = default;
};

/// Reads /proc/<pid>/net/dev: the interfaces of that process's network namespace, without lo.
[[nodiscard]] std::vector<InterfaceCounters> ParseNetDev(std::string_view text);

}  // namespace dockershimd::shim::linuxos
