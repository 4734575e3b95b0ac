#include "stub_plugins.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "base/file.h"
#include "shim/linux/namespace_pins.h"

namespace dockershimd::shim::network {
namespace {

/// Notes arguments first and takes part in the answer afterwards. @ is the folder.
constexpr std::string_view kScript = R"(#!/bin/sh
plugin=${0##*/}
call=@/calls/$CNI_COMMAND.$plugin.$CNI_CONTAINERID
mkdir -p @/calls
cat >$call.input
env >$call.environment
echo "$CNI_COMMAND $plugin $CNI_CONTAINERID" >>@/calls/list
if [ -e @/on/$CNI_COMMAND.$plugin ]; then
  . @/on/$CNI_COMMAND.$plugin
elif [ "$CNI_COMMAND" = ADD ]; then
  echo '{"cniVersion": "1.0.0", "by": "'$plugin'", "interfaces": [{"name": "eth0"}],
         "ips": [{"address": "10.1.2.3/24", "interface": 0}]}'
fi
)";

std::string ReadAll(const std::filesystem::path& file) {
  std::ifstream stream(file);
  std::stringstream text;
  text << stream.rdbuf();
  return text.str();
}

}  // namespace

StubPlugins::StubPlugins() { std::filesystem::create_directories(ConfDir()); }

void StubPlugins::Configure(const std::vector<std::string>& plugins, const std::string& version) {
  nlohmann::json list = {{"cniVersion", version}, {"name", "pods"}};
  for (const auto& plugin : plugins) {
    Install(plugin);
    list["plugins"].push_back({{"type", plugin}, {"capabilities", {{"portMappings", true}}}});
  }
  WriteConfig("10-pods.conflist", list.dump());
}

void StubPlugins::WriteConfig(const std::string& file, std::string_view text) const {
  folder_.Write("conf/" + file, text);
}

void StubPlugins::Install(const std::string& plugin) const {
  std::string script(kScript);
  for (auto at = script.find('@'); at != std::string::npos; at = script.find('@')) {
    script.replace(at, 1, folder_.Path().string());
  }
  folder_.Write("bin/" + plugin, script);
  std::filesystem::permissions(folder_.Path() / "bin" / plugin, std::filesystem::perms(0755));
}

void StubPlugins::Uninstall(const std::string& plugin) const {
  std::filesystem::remove(folder_.Path() / "bin" / plugin);
}

void StubPlugins::On(const std::string& command, const std::string& plugin,
                     const std::string& shell) const {
  folder_.Write("on/" + command + "." + plugin, shell);
}

void StubPlugins::Fail(const std::string& command, const std::string& plugin,
                       const std::string& message) const {
  On(command, plugin, "echo '{\"code\": 7, \"msg\": \"" + message + "\"}'; exit 1");
}

void StubPlugins::Recover(const std::string& command, const std::string& plugin) const {
  std::filesystem::remove(folder_.Path() / "on" / (command + "." + plugin));
}

std::vector<std::string> StubPlugins::Calls() const {
  std::ifstream list(folder_.Path() / "calls" / "list");
  std::vector<std::string> calls;
  for (std::string line; std::getline(list, line);) calls.push_back(line);
  return calls;
}

void StubPlugins::ForgetCalls() const { std::filesystem::remove_all(folder_.Path() / "calls"); }

nlohmann::json StubPlugins::Input(const std::string& command, const std::string& plugin,
                                  const std::string& sandbox_id) const {
  const auto name = fmt::format("{}.{}.{}.input", command, plugin, sandbox_id);
  return nlohmann::json::parse(ReadAll(folder_.Path() / "calls" / name), nullptr, false);
}

std::string StubPlugins::Variable(const std::string& command, const std::string& plugin,
                                  const std::string& name, const std::string& sandbox_id) const {
  const auto file = fmt::format("{}.{}.{}.environment", command, plugin, sandbox_id);
  std::ifstream lines(folder_.Path() / "calls" / file);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(name + "=")) return line.substr(name.size() + 1);
  }
  return "not set";
}

StubPlugins::~StubPlugins() {
  const linuxos::NamespacePins pins(PinOf(""));
  for (const auto& name : pins.Names()) (void)pins.Release(name);
}

CniOptions StubPlugins::Options() const {
  return {.conf_dir = ConfDir(),
          .bin_dirs = {folder_.Path() / "no-bin", folder_.Path() / "bin"},
          .cache_dir = CacheDir(),
          .plugin_timeout = std::chrono::seconds(30)};
}

nlohmann::json StubPlugins::Cached(const std::string& sandbox_id) const {
  const auto file = CacheDir() / "results" / ("pods-" + sandbox_id + "-eth0");
  return nlohmann::json::parse(ReadAll(file), nullptr, false);
}

std::size_t StubPlugins::CountCached() const {
  std::error_code ignored;
  const std::filesystem::directory_iterator files(CacheDir() / "results", ignored);
  return static_cast<std::size_t>(std::distance(begin(files), end(files)));
}

PodNetworkRequest RequestFor(const std::string& sandbox_id) {
  PodNetworkRequest request;
  request.pod = {sandbox_id, "web", "shop", "uid-1"};
  request.netns_path = "/proc/self/ns/net";
  request.ports = {{"tcp", 80, 8080, ""}, {"udp", 53, 0, ""}};
  return request;
}

}  // namespace dockershimd::shim::network
