#pragma once

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/call_context.h"
#include "shim/network/cni_network.h"
#include "temporary_folder.h"

namespace dockershimd::shim::network {

using testsupport::TemporaryFolder;

/// CNI plugins that are small shell scripts: they note how they were called and answer ADD with
/// one address, or do what a test tells them.
class StubPlugins {
 public:
  StubPlugins();
  ~StubPlugins();

  /// A configuration of the plugins in this order, each with the capability portMappings.
  void Configure(const std::vector<std::string>& plugins, const std::string& version = "1.0.0");
  void WriteConfig(const std::string& file, std::string_view text) const;
  void Install(const std::string& plugin) const;
  void Uninstall(const std::string& plugin) const;

  /// Shell lines that run at the end of a command, after its call was noted and, for ADD, in place
  /// of the usual result.
  void On(const std::string& command, const std::string& plugin, const std::string& shell) const;
  void Fail(const std::string& command, const std::string& plugin,
            const std::string& message = "cannot") const;
  void Recover(const std::string& command, const std::string& plugin) const;

  /// "ADD first pod-1" and so on, since the last ForgetCalls.
  [[nodiscard]] std::vector<std::string> Calls() const;
  void ForgetCalls() const;
  /// Of the latest such call.
  [[nodiscard]] nlohmann::json Input(const std::string& command, const std::string& plugin,
                                     const std::string& sandbox_id = "pod-1") const;
  [[nodiscard]] std::string Variable(const std::string& command, const std::string& plugin,
                                     const std::string& name,
                                     const std::string& sandbox_id = "pod-1") const;

  [[nodiscard]] CniOptions Options() const;
  [[nodiscard]] std::filesystem::path ConfDir() const { return folder_.Path() / "conf"; }
  [[nodiscard]] std::filesystem::path CacheDir() const { return folder_.Path() / "cache"; }
  /// What the cache holds for a sandbox; discarded where there is nothing.
  [[nodiscard]] nlohmann::json Cached(const std::string& sandbox_id = "pod-1") const;
  [[nodiscard]] std::size_t CountCached() const;
  /// Where a pod's network namespace is kept.
  [[nodiscard]] std::filesystem::path PinOf(const std::string& sandbox_id) const {
    return CacheDir() / "dockershimd-netns" / sandbox_id;
  }

 private:
  TemporaryFolder folder_;
};

/// A pod in the test's own namespace.
[[nodiscard]] PodNetworkRequest RequestFor(const std::string& sandbox_id = "pod-1");

[[nodiscard]] inline base::CallContext Patient() {
  return base::CallContext::WithTimeout(std::chrono::seconds(60));
}

}  // namespace dockershimd::shim::network
