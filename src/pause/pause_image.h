#pragma once

#include <string>
#include <string_view>

namespace dockershimd::pause {

/// The name under which the engine knows the image; its tag changes with the program.
[[nodiscard]] std::string_view ImageReference();

/// The image as `docker save` would write it, for POST /images/load. Always the same bytes for
/// the same build, so that the image's id does not change.
[[nodiscard]] std::string BuildImageArchive();

}  // namespace dockershimd::pause
