#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace dockershimd::shim::network {

/// One plugin of a network configuration.
struct CniPlugin {
  std::string type;                    ///< the program's name
  std::string config;                  ///< its own JSON object, as it was written
  std::set<std::string> capabilities;  ///< those declared true
};

/// A network configuration list (CNI spec section 1).
struct CniConfig {
  std::string name;
  std::string version;
  bool disable_check = false;
  bool disable_gc = false;
  std::vector<CniPlugin> plugins;
  std::string text;  ///< the whole list as JSON, for the cache and for `crictl info`

  /// Whether the configuration's version of the spec is this one or a later one.
  [[nodiscard]] bool Speaks(std::string_view spec_version) const {
    // All known versions have one digit in each place: their texts sort as they do.
    return version >= spec_version;
  }
};

/// What the spec allows as the name of a network or a container.
[[nodiscard]] bool IsCniName(std::string_view name);

/// Reads one configuration; a single plugin's (*.conf) reads as a list of one. kInvalidArgument
/// says what is wrong with it.
[[nodiscard]] base::Result<CniConfig> ParseCniConfig(std::string_view text);

/// CNI 1.1: a list is completed by the plugins in files of its own,
/// <folder>/<network's name>/*.conf, unless it has loadOnlyInlinedPlugins. Returns the text as it
/// is where there are none.
[[nodiscard]] base::Result<std::string> CompleteCniConfig(std::string text,
                                                          const std::filesystem::path& folder);

}  // namespace dockershimd::shim::network
