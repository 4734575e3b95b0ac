#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace dockershimd::shim::streaming::wire {

struct TerminalSize {
  std::uint16_t width = 0;
  std::uint16_t height = 0;
  bool operator==(const TerminalSize&) const = default;
};

/// Reads the resize stream: one {"Width":132,"Height":43} after the other, cut in any way. At the
/// first that is something else it stops for good; one without extent is skipped.
class TerminalSizeReader {
 public:
  [[nodiscard]] std::vector<TerminalSize> Feed(std::string_view bytes);

 private:
  void OnByte(char byte, std::vector<TerminalSize>* sizes);
  void Parse(std::vector<TerminalSize>* sizes);

  std::string object_;
  bool failed_ = false;
};

}  // namespace dockershimd::shim::streaming::wire
