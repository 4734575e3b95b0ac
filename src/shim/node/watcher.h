#pragma once

#include <functional>
#include <string>
#include <thread>

#include "base/guarded.h"
#include "dockerapi/client.h"
#include "shim/node/engine.h"
#include "shim/node/model.h"

namespace dockershimd::shim::node {

/// Whether the engine is there, for the CRI condition RuntimeReady.
struct EngineCondition {
  bool ready = false;
  /// True from the first connection on: before it nobody can say which pods there are.
  bool pods_known = false;
  std::string message = "not connected to Docker yet";
};

/// Keeps the model true by Docker's events, on a thread of its own. When the stream breaks it
/// says so, connects again with growing pauses, and rebuilds the model.
class Watcher {
 public:
  struct Callbacks {
    /// The engine is there and the model was read anew.
    std::function<void()> on_connected;
    /// A container of ours has ended; the model shows it already.
    std::function<void(const std::string& id)> on_ended;
    /// A container of ours has been removed, by us or by anybody else.
    std::function<void(const std::string& id)> on_removed;
  };

  Watcher(dockerapi::Client& docker, Engine& engine, Model& model, Callbacks callbacks);
  /// Ends the thread at once.
  ~Watcher() = default;
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;

  void Start();
  [[nodiscard]] EngineCondition Condition() const { return *condition_.Lock(); }

 private:
  void Run(const std::stop_token& stop);
  [[nodiscard]] base::Status Watch(const std::stop_token& stop);
  [[nodiscard]] base::Status OnOpen(const base::CallContext& context);
  void OnEvent(const base::CallContext& context, const dockerapi::Event& event);

  dockerapi::Client& docker_;
  Engine& engine_;
  Model& model_;
  Callbacks callbacks_;
  base::Guarded<EngineCondition> condition_;
  std::jthread thread_;
};

}  // namespace dockershimd::shim::node
