#pragma once

#include <memory>
#include <string>

#include "base/call_context.h"
#include "base/guarded.h"
#include "base/result.h"
#include "dockerapi/client.h"
#include "shim/translate/engine_view.h"

namespace dockershimd::shim::node {

/// What the engine said of itself when it was last connected to.
struct EngineFacts {
  dockerapi::EngineVersion version;
  dockerapi::EngineInfo info;
  translate::EngineView view;
};

/// The facts about the engine, read once per connection. Thread-safe.
class Engine {
 public:
  struct Settings {
    std::string log_max_size;
    std::string log_max_files;
  };

  Engine(dockerapi::Client& docker, Settings settings);

  /// Asks the engine anew.
  [[nodiscard]] base::Status Load(const base::CallContext& context);

  /// kUnavailable before the first connection.
  [[nodiscard]] base::Result<std::shared_ptr<const EngineFacts>> Facts() const;

 private:
  dockerapi::Client& docker_;
  Settings settings_;
  base::Guarded<std::shared_ptr<const EngineFacts>> facts_;
};

}  // namespace dockershimd::shim::node
