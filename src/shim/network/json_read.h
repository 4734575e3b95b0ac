#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace dockershimd::shim::network {

/// Text as JSON. A discarded value (no object, no array, nothing) where it is none, or where it is
/// nested so deeply that walking through it could exhaust a thread's stack.
[[nodiscard]] nlohmann::json ReadJson(std::string_view text);

/// A member that is a text; empty where there is none or it is something else.
[[nodiscard]] std::string TextMember(const nlohmann::json& object, const char* name);

/// Compact text; bytes that are no UTF-8 are replaced.
[[nodiscard]] std::string JsonText(const nlohmann::json& json);

}  // namespace dockershimd::shim::network
