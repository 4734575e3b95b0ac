#pragma once

#include <string_view>

namespace dockershimd::compare {

/// Whether the whole text fits the pattern, in which `*` stands for any characters and everything
/// else, brackets too, for itself.
[[nodiscard]] bool Fits(std::string_view pattern, std::string_view text);

}  // namespace dockershimd::compare
