#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace dockershimd::shim::logs {

/// The lines of a CRI log as kubelet joins them, by stream.
struct CriContent {
  std::map<std::string, std::vector<std::string>> lines;
  std::map<std::string, std::string> unfinished;  ///< parts without an end
  std::vector<std::string> errors;                ///< lines that are none of CRI's
};

[[nodiscard]] CriContent ParseCri(std::string_view text);

/// The log at `path` with what kubelet has renamed before it: path.000001, path.000002, ...
[[nodiscard]] std::string ReadRotated(const std::filesystem::path& path);

/// The name that the next rotation gives it.
[[nodiscard]] std::filesystem::path RotatedName(const std::filesystem::path& path, int number);

}  // namespace dockershimd::shim::logs
