#include "base/encoding.h"

#include <nettle/base64.h>
#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <vector>

namespace dockershimd::base {
namespace {

/// Nettle's decoder skips white space.
bool IsBase64(std::string_view text) {
  if (text.size() % 4 != 0) return false;
  for (int padding = 0; padding < 2 && text.ends_with('='); ++padding) text.remove_suffix(1);
  return std::all_of(text.begin(), text.end(), [](unsigned char letter) {
    return (letter >= 'A' && letter <= 'Z') || (letter >= 'a' && letter <= 'z') ||
           (letter >= '0' && letter <= '9') || letter == '+' || letter == '/';
  });
}

}  // namespace

std::string Base64Encode(std::string_view bytes) {
  std::string text(BASE64_ENCODE_RAW_LENGTH(bytes.size()), '\0');
  base64_encode_raw(text.data(), bytes.size(), reinterpret_cast<const std::uint8_t*>(bytes.data()));
  return text;
}

std::string Base64UrlEncode(std::string_view bytes) {
  std::string text = Base64Encode(bytes);
  std::replace(text.begin(), text.end(), '+', '-');
  std::replace(text.begin(), text.end(), '/', '_');
  return text;
}

Result<std::string> Base64Decode(std::string_view text) {
  if (!IsBase64(text)) return Fail(Code::kInvalidArgument, "not base64");
  std::string bytes(BASE64_DECODE_LENGTH(text.size()), '\0');
  std::size_t length = bytes.size();
  base64_decode_ctx decoder;
  base64_decode_init(&decoder);
  const bool decoded =
      base64_decode_update(&decoder, &length, reinterpret_cast<std::uint8_t*>(bytes.data()),
                           text.size(), text.data()) == 1 &&
      base64_decode_final(&decoder) == 1;
  if (!decoded) return Fail(Code::kInvalidArgument, "not base64");
  bytes.resize(length);
  return bytes;
}

bool IsUtf8(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto lead = static_cast<unsigned char>(bytes[0]);
    const std::size_t more = lead < 0x80   ? 0
                             : lead < 0xc2 ? 4
                             : lead < 0xe0 ? 1
                             : lead < 0xf0 ? 2
                             : lead < 0xf5 ? 3
                                           : 4;
    if (more == 4 || bytes.size() <= more) return false;
    char32_t letter = more == 0 ? lead : lead & (0x3fU >> more);
    for (std::size_t i = 1; i <= more; ++i) {
      const auto next = static_cast<unsigned char>(bytes[i]);
      if ((next & 0xc0U) != 0x80) return false;
      letter = letter << 6 | (next & 0x3fU);
    }
    // Spelled longer than needed, half of a surrogate pair, or beyond Unicode.
    if ((more == 2 && letter < 0x800) || (more == 3 && letter < 0x10000) || letter > 0x10ffff ||
        (letter >= 0xd800 && letter < 0xe000)) {
      return false;
    }
    bytes.remove_prefix(more + 1);
  }
  return true;
}

std::string RandomHex(std::size_t count) {
  std::vector<unsigned char> bytes(count);
  std::size_t filled = 0;
  while (filled < count) {
    const ssize_t got = ::getrandom(bytes.data() + filled, count - filled, 0);
    if (got > 0) {
      filled += static_cast<std::size_t>(got);
    } else if (errno != EINTR) {
      throw std::system_error(errno, std::generic_category(), "getrandom");
    }
  }
  std::string text;
  for (const unsigned char byte : bytes) text += fmt::format("{:02x}", byte);
  return text;
}

}  // namespace dockershimd::base
