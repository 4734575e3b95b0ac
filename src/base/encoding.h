#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"

namespace dockershimd::base {

/// Padded URL-safe base64 (RFC 4648 section 5), as Docker's X-Registry-Auth header wants it.
[[nodiscard]] std::string Base64UrlEncode(std::string_view bytes);

/// Padded standard base64 (RFC 4648 section 4).
[[nodiscard]] std::string Base64Encode(std::string_view bytes);

/// Standard base64 (RFC 4648 section 4), as CRI's AuthConfig.auth carries "user:password".
[[nodiscard]] Result<std::string> Base64Decode(std::string_view text);

/// Whether the bytes are well-formed UTF-8, which is all that JSON can carry.
[[nodiscard]] bool IsUtf8(std::string_view bytes);

/// `count` random bytes from the kernel, as lower-case hex digits.
[[nodiscard]] std::string RandomHex(std::size_t count);

}  // namespace dockershimd::base
