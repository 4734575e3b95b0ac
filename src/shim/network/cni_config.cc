#include "shim/network/cni_config.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "base/file.h"

namespace dockershimd::shim::network {
namespace {

using base::Code;
using base::Fail;
using base::Result;
using Json = nlohmann::json;

/// The spec's default for a configuration that names no version.
constexpr std::string_view kOldestVersion = "0.1.0";
/// What this implementation of the spec knows, oldest first.
constexpr std::array<std::string_view, 7> kVersions = {"0.1.0", "0.2.0", "0.3.0", "0.3.1",
                                                       "0.4.0", "1.0.0", "1.1.0"};

std::string TextOf(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

bool FlagOf(const Json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end()) return false;
  return found->is_boolean() ? found->get<bool>() : *found == "true";
}

/// CNI 1.1: the newest of "cniVersions" that both sides know; else "cniVersion".
Result<std::string> VersionOf(const Json& json) {
  std::vector<std::string> offered;
  if (const auto list = json.find("cniVersions"); list != json.end() && list->is_array()) {
    for (const Json& item : *list) {
      if (item.is_string()) offered.push_back(item.get<std::string>());
    }
  }
  const std::string single = TextOf(json, "cniVersion");
  if (!single.empty()) offered.push_back(single);
  if (offered.empty()) return std::string(kOldestVersion);
  for (auto known = kVersions.rbegin(); known != kVersions.rend(); ++known) {
    if (std::find(offered.begin(), offered.end(), *known) != offered.end()) {
      return std::string(*known);
    }
  }
  return Fail(Code::kInvalidArgument, "cniVersion '{}' is not known (newest known: 1.1.0)",
              offered.back());
}

Result<CniPlugin> PluginOf(const Json& json) {
  if (!json.is_object()) return Fail(Code::kInvalidArgument, "a plugin is not an object");
  CniPlugin plugin;
  plugin.type = TextOf(json, "type");
  if (plugin.type.empty() || plugin.type.find('/') != std::string::npos) {
    return Fail(Code::kInvalidArgument, "a plugin's type is missing or not a plain name: '{}'",
                plugin.type);
  }
  plugin.config = json.dump();
  const auto declared = json.find("capabilities");
  if (declared == json.end() || !declared->is_object()) return plugin;
  for (const auto& [name, value] : declared->items()) {
    if (value.is_boolean() && value.get<bool>()) plugin.capabilities.insert(name);
  }
  return plugin;
}

bool IsNetworkName(std::string_view name) {
  const auto fine = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.' || c == '-';
  };
  return !name.empty() && std::all_of(name.begin(), name.end(), fine) && name[0] != '.' &&
         name[0] != '-' && name[0] != '_';
}

}  // namespace

Result<CniConfig> ParseCniConfig(std::string_view text) {
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) return Fail(Code::kInvalidArgument, "not a JSON object");
  CniConfig config;
  config.text = text;
  config.name = TextOf(json, "name");
  if (!IsNetworkName(config.name)) {
    return Fail(Code::kInvalidArgument,
                "the network's name is missing or has characters other "
                "than letters, digits, '.', '-' and '_': '{}'",
                config.name);
  }
  auto version = VersionOf(json);
  if (!version) return Fail(version.error());
  config.version = std::move(*version);
  config.disable_check = FlagOf(json, "disableCheck");
  config.disable_gc = FlagOf(json, "disableGC");
  const auto list = json.find("plugins");
  const Json plugins = list == json.end() ? Json::array({json}) : *list;
  if (!plugins.is_array() || plugins.empty()) {
    return Fail(Code::kInvalidArgument, "the list of plugins is empty");
  }
  for (const Json& item : plugins) {
    auto plugin = PluginOf(item);
    if (!plugin) return Fail(plugin.error());
    config.plugins.push_back(std::move(*plugin));
  }
  return config;
}

std::vector<std::filesystem::path> CniConfigFiles(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    const auto extension = entry->path().extension();
    const bool is_config = extension == ".conflist" || extension == ".conf" || extension == ".json";
    std::error_code ignored;
    if (is_config && entry->is_regular_file(ignored)) files.push_back(entry->path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

Result<CniConfig> LoadCniConfig(const std::filesystem::path& folder,
                                std::vector<std::string>* problems) {
  for (const auto& file : CniConfigFiles(folder)) {
    const auto text = base::ReadFile(file);
    auto config = text ? ParseCniConfig(*text) : Fail(text.error());
    if (config) return config;
    problems->push_back(fmt::format("{}: {}", file.string(), config.error().message));
  }
  return Fail(Code::kNotFound, "no usable CNI configuration in {}", folder.string());
}

}  // namespace dockershimd::shim::network
