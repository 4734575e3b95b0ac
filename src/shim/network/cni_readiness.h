#pragma once

#include <optional>

#include "base/call_context.h"
#include "base/guarded.h"
#include "shim/network/cni_config_folder.h"
#include "shim/network/cni_runner.h"
#include "shim/network/pod_network.h"

namespace dockershimd::shim::network {

/// Whether pods can be given a network now. Cheap to ask often: what the plugins say counts for
/// some seconds. Folder and runner must outlive it. Thread-safe.
class CniReadiness {
 public:
  CniReadiness(CniConfigFolder& folder, const CniRunner& runner)
      : folder_(folder), runner_(runner) {}

  [[nodiscard]] NetworkCondition Condition(const base::CallContext& context);

 private:
  using ConfigPtr = CniConfigFolder::ConfigPtr;
  struct Asked {
    base::CallContext::Clock::time_point at;
    ConfigPtr config;
    NetworkCondition condition;
  };

  [[nodiscard]] std::optional<NetworkCondition> Remembered(const ConfigPtr& config) const;
  [[nodiscard]] NetworkCondition Ask(const base::CallContext& context, const ConfigPtr& config);

  CniConfigFolder& folder_;
  const CniRunner& runner_;
  base::Guarded<std::optional<Asked>> asked_;
};

}  // namespace dockershimd::shim::network
