#include "shim/network/cni_config.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "shim/network/cni_config_folder.h"
#include "shim/network/json_read.h"

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

bool IsLetterOrDigit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/// A boolean member; texts are what versions before 1.0 had.
Result<bool> FlagOf(const Json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || *found == "false") return false;
  if (*found == "true") return true;
  if (!found->is_boolean()) {
    return Fail(Code::kInvalidArgument, "'{}' is neither true nor false", name);
  }
  return found->get<bool>();
}

/// All versions that the configuration offers: "cniVersion", and since 1.1 "cniVersions".
Result<std::vector<std::string>> OfferedVersions(const Json& json) {
  std::vector<std::string> offered;
  Json list = Json::array();
  if (const auto found = json.find("cniVersions"); found != json.end()) list = *found;
  if (const auto found = json.find("cniVersion"); found != json.end() && list.is_array()) {
    list.push_back(*found);
  }
  if (!list.is_array()) return Fail(Code::kInvalidArgument, "'cniVersions' is not a list");
  for (const Json& item : list) {
    if (!item.is_string()) return Fail(Code::kInvalidArgument, "a CNI version is not a text");
    offered.push_back(item.get<std::string>());
  }
  return offered;
}

/// The newest version that both sides know.
Result<std::string> VersionOf(const Json& json) {
  const auto offered = OfferedVersions(json);
  if (!offered) return Fail(offered.error());
  if (offered->empty() || (offered->size() == 1 && offered->front().empty())) {
    return std::string(kOldestVersion);
  }
  for (auto known = kVersions.rbegin(); known != kVersions.rend(); ++known) {
    if (std::find(offered->begin(), offered->end(), *known) != offered->end()) {
      return std::string(*known);
    }
  }
  return Fail(Code::kInvalidArgument, "cniVersion '{}' is not known (newest known: {})",
              offered->back(), kVersions.back());
}

Result<CniPlugin> PluginOf(const Json& json) {
  if (!json.is_object()) return Fail(Code::kInvalidArgument, "a plugin is not an object");
  CniPlugin plugin;
  plugin.type = TextMember(json, "type");
  if (plugin.type.empty() || plugin.type.find('/') != std::string::npos) {
    return Fail(Code::kInvalidArgument, "a plugin's type is missing or not a plain name: '{}'",
                plugin.type);
  }
  plugin.config = JsonText(json);
  const auto declared = json.find("capabilities");
  if (declared == json.end() || !declared->is_object()) return plugin;
  for (const auto& [name, value] : declared->items()) {
    if (value.is_boolean() && value.get<bool>()) plugin.capabilities.insert(name);
  }
  return plugin;
}

/// A single plugin's configuration as the list that libcni makes of it.
Json ListOfOne(Json plugin) {
  Json list = {{"name", TextMember(plugin, "name")}};
  for (const char* inherited : {"cniVersion", "cniVersions"}) {
    if (plugin.contains(inherited)) list[inherited] = plugin[inherited];
  }
  list["plugins"] = Json::array({std::move(plugin)});
  return list;
}

base::Status ReadFlags(const Json& json, CniConfig* config) {
  const auto disable_check = FlagOf(json, "disableCheck");
  if (!disable_check) return Fail(disable_check.error());
  const auto disable_gc = FlagOf(json, "disableGC");
  if (!disable_gc) return Fail(disable_gc.error());
  config->disable_check = *disable_check;
  config->disable_gc = *disable_gc;
  return {};
}

base::Status ReadPlugins(const Json& json, CniConfig* config) {
  const auto plugins = json.find("plugins");
  if (plugins == json.end() || !plugins->is_array() || plugins->empty()) {
    return Fail(Code::kInvalidArgument, "no plugins in the list");
  }
  for (const Json& item : *plugins) {
    auto plugin = PluginOf(item);
    if (!plugin) return Fail(plugin.error());
    config->plugins.push_back(std::move(*plugin));
  }
  return {};
}

Result<CniConfig> ReadList(const Json& json) {
  CniConfig config;
  config.name = TextMember(json, "name");
  if (!IsCniName(config.name)) {
    return Fail(Code::kInvalidArgument,
                "the network's name is missing, or is not letters, digits, '.', '-' and '_' after "
                "a letter or digit: '{}'",
                config.name);
  }
  auto version = VersionOf(json);
  if (!version) return Fail(version.error());
  config.version = std::move(*version);
  if (auto read = ReadFlags(json, &config); !read) return Fail(read.error());
  if (auto read = ReadPlugins(json, &config); !read) return Fail(read.error());
  return config;
}

bool IsSinglePlugin(const Json& json) {
  return json.is_object() && !json.contains("plugins") && json.contains("type");
}

Result<Json> ReadPluginFiles(const std::filesystem::path& folder) {
  Json plugins = Json::array();
  for (const auto& file : CniConfigFiles(folder)) {
    if (file.extension() != ".conf") continue;
    const auto text = base::ReadFile(file);
    if (!text) return Fail(text.error());
    plugins.push_back(ReadJson(*text));
    if (auto plugin = PluginOf(plugins.back()); !plugin) {
      return Fail(plugin.error(), file.string());
    }
  }
  return plugins;
}

}  // namespace

bool IsCniName(std::string_view name) {
  const auto fine = [](char c) { return IsLetterOrDigit(c) || c == '_' || c == '.' || c == '-'; };
  return !name.empty() && IsLetterOrDigit(name[0]) && std::all_of(name.begin(), name.end(), fine);
}

Result<CniConfig> ParseCniConfig(std::string_view text) {
  Json json = ReadJson(text);
  if (!json.is_object()) return Fail(Code::kInvalidArgument, "not a JSON object");
  const bool single = IsSinglePlugin(json);
  if (single) json = ListOfOne(std::move(json));
  auto config = ReadList(json);
  if (config) config->text = single ? JsonText(json) : std::string(text);
  return config;
}

Result<std::string> CompleteCniConfig(std::string text, const std::filesystem::path& folder) {
  Json json = ReadJson(text);
  if (!json.is_object() || IsSinglePlugin(json)) return text;
  const std::string name = TextMember(json, "name");
  const auto inlined_only = FlagOf(json, "loadOnlyInlinedPlugins");
  if (!inlined_only) return Fail(inlined_only.error());
  if (*inlined_only || !IsCniName(name)) return text;
  const auto plugins = ReadPluginFiles(folder / name);
  if (!plugins) return Fail(plugins.error());
  if (plugins->empty() || (json.contains("plugins") && !json["plugins"].is_array())) return text;
  for (const Json& plugin : *plugins) json["plugins"].push_back(plugin);
  // The text is complete now, wherever it is read again.
  json["loadOnlyInlinedPlugins"] = true;
  return JsonText(json);
}

}  // namespace dockershimd::shim::network
