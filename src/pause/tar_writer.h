#pragma once

#include <string>
#include <string_view>

namespace dockershimd::pause {

/// Appends one regular file to a ustar archive: owner root, time 0, so that the same content
/// always makes the same bytes. `name` has at most 100 characters.
void AppendTarFile(std::string_view name, std::string_view content, unsigned mode,
                   std::string* archive);

/// The two empty blocks that end an archive.
void FinishTar(std::string* archive);

}  // namespace dockershimd::pause
