#pragma once

#include <string>
#include <string_view>

namespace dockershimd::testsupport {

/// The bytes of hex digits; blanks between them do not count.
inline std::string FromHex(std::string_view digits) {
  std::string bytes;
  int high = -1;
  for (const char digit : digits) {
    if (digit == ' ') continue;
    const int value = digit <= '9' ? digit - '0' : digit - 'a' + 10;
    if (high < 0) {
      high = value;
    } else {
      bytes.push_back(static_cast<char>(high << 4 | value));
      high = -1;
    }
  }
  return bytes;
}

}  // namespace dockershimd::testsupport
