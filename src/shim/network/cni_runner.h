#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/call_context.h"
#include "base/result.h"
#include "shim/network/cni_cache.h"
#include "shim/network/cni_config.h"
#include "shim/network/cni_json.h"
#include "shim/network/cni_plugin.h"

namespace dockershimd::shim::network {

/// Runs all plugins of a configuration, in the order and with the inputs of libcni. Each plugin
/// has `plugin_timeout`, or less where the caller's ends before. Holds no state.
class CniRunner {
 public:
  CniRunner(std::vector<std::filesystem::path> bin_dirs, std::chrono::seconds plugin_timeout)
      : bin_dirs_(std::move(bin_dirs)), plugin_timeout_(plugin_timeout) {}

  /// An error naming the first plugin whose program is missing.
  [[nodiscard]] base::Status FindAll(const CniConfig& config) const;

  /// What is done with the result of a plugin before the next one runs.
  using OnResult = std::function<base::Status(const std::string& result)>;

  /// ADD of each; returns the last one's result. Undoes nothing.
  [[nodiscard]] base::Result<std::string> Add(const base::CallContext& context,
                                              const CniConfig& config,
                                              const CniAttachment& attachment,
                                              const OnResult& on_result) const;

  /// DEL of each, the last one first; ends at the first failure, as what comes before may be
  /// needed to try again. All of them together have `plugin_timeout`, whoever waits for them: one
  /// that is killed because a caller went away may not find the rest of what it took any more (the
  /// reference bridge plugin 1.1.1 finds its masquerade rules by the interface that is gone).
  [[nodiscard]] base::Status Delete(const CniConfig& config, const CniAttachment& attachment) const;

  /// CHECK of each; nothing where the configuration's version has none or it is disabled.
  [[nodiscard]] base::Status Check(const base::CallContext& context, const CniConfig& config,
                                   const CniAttachment& attachment) const;

  /// STATUS of each (CNI 1.1): an error if one cannot serve an ADD now.
  [[nodiscard]] base::Status AskStatus(const base::CallContext& context,
                                       const CniConfig& config) const;

  [[nodiscard]] static bool HasGarbageCollection(const CniConfig& config);

  /// GC of each, all of them whatever fails; the first failure is returned.
  [[nodiscard]] base::Status CollectGarbage(const base::CallContext& context,
                                            const CniConfig& config,
                                            const CniAttachmentNames& valid) const;

 private:
  [[nodiscard]] base::Result<std::string> Run(const base::CallContext& context,
                                              const CniConfig& config, const CniCall& call) const;

  std::vector<std::filesystem::path> bin_dirs_;
  std::chrono::seconds plugin_timeout_;
};

}  // namespace dockershimd::shim::network
