#pragma once

#include <set>
#include <string>

#include "dockerapi/system.h"

namespace dockershimd::shim::translate {

/// What a translation must know about the engine and the host that it translates for. Computed
/// once per connection; handed to every function that builds a request.
struct EngineView {
  dockerapi::EngineFeatures features;
  std::set<std::string> runtimes;  ///< OCI runtimes that the engine knows, by name
  /// Without CAP_SYS_RESOURCE a score below our own cannot be given to a container; runc fails.
  bool may_lower_oom_score = true;
  int own_oom_score_adj = 0;
  /// For Docker's own json-file of each container.
  std::string log_max_size = "10m";
  std::string log_max_files = "2";
};

/// The score that the container can really get on this host.
[[nodiscard]] inline int AllowedOomScore(const EngineView& engine, int wanted) {
  if (engine.may_lower_oom_score || wanted >= engine.own_oom_score_adj) return wanted;
  return engine.own_oom_score_adj;
}

}  // namespace dockershimd::shim::translate
