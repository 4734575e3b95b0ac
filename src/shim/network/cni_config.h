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

/// A network configuration list (CNI spec section 1). A single-plugin *.conf reads as a list of
/// one.
struct CniConfig {
  std::string name;
  std::string version;
  bool disable_check = false;
  bool disable_gc = false;
  std::vector<CniPlugin> plugins;
  std::string text;  ///< the whole file, for the cache and for `crictl info`
};

/// Reads one configuration. kInvalidArgument says what is wrong with it.
[[nodiscard]] base::Result<CniConfig> ParseCniConfig(std::string_view text);

/// The configuration files of a folder, in the order in which they count: by name.
[[nodiscard]] std::vector<std::filesystem::path> CniConfigFiles(
    const std::filesystem::path& folder);

/// The first usable configuration of a folder; unusable ones before it are reported in
/// `problems`. kNotFound where there is none.
[[nodiscard]] base::Result<CniConfig> LoadCniConfig(const std::filesystem::path& folder,
                                                    std::vector<std::string>* problems);

}  // namespace dockershimd::shim::network
