#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace dockershimd::shim::linuxos {

/// Reads the kernel's small text files (cgroups, /proc) over and over without an allocation.
class SmallFileReader {
 public:
  /// The file's text, valid until the next Read; at most 32 KiB of it. Empty where there is no
  /// such file: for these files that is an answer (a controller is off), not a fault.
  [[nodiscard]] std::string_view Read(const std::string& path);
  /// The same for an open file, from its beginning. Also empty when its cgroup has gone.
  [[nodiscard]] std::string_view ReadOpen(int file);

 private:
  std::array<char, std::size_t{32} * 1024> buffer_;
};

}  // namespace dockershimd::shim::linuxos
