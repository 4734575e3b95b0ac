#pragma once

#include <string>
#include <string_view>

namespace dockershimd::base {

/// Hexadecimal, as image ids have it.
[[nodiscard]] std::string Sha256Hex(std::string_view bytes);

/// The 20 bytes themselves. Broken for security; WebSocket's handshake asks for it.
[[nodiscard]] std::string Sha1(std::string_view bytes);

}  // namespace dockershimd::base
