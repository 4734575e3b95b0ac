#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"

namespace dockershimd::dockerapi {

/// The first file or link of a tar archive: what Docker sends of a single path.
struct TarEntry {
  std::string content;      ///< of a regular file
  std::string link_target;  ///< of a symbolic link; empty for anything else
};

/// kInternal for what is no tar archive or ends too early; kInvalidArgument where the entry is
/// neither a regular file nor a symbolic link.
[[nodiscard]] base::Result<TarEntry> FirstTarEntry(std::string_view archive);

}  // namespace dockershimd::dockerapi
