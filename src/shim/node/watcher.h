#pragma once

#include <functional>
#include <string>
#include <thread>

#include "base/guarded.h"
#include "base/time.h"
#include "dockerapi/client.h"
#include "shim/node/engine.h"
#include "shim/node/image_catalog.h"
#include "shim/node/model.h"
#include "shim/node/refresh_queue.h"

namespace dockershimd::shim::node {

/// Whether the engine is there, for the CRI condition RuntimeReady.
struct EngineCondition {
  bool ready = false;
  /// True from the first connection on: before it nobody can say which pods there are.
  bool pods_known = false;
  std::string message = "not connected to Docker yet";
};

/// Keeps the model and the image catalog true by Docker's events, on threads of its own. When the
/// stream breaks it says so, connects again with growing pauses, and reads all anew. What events
/// cannot tell is found by an audit every few minutes.
class Watcher {
 public:
  /// Neither must wait for long.
  struct Notices {
    std::function<void()> on_connected;  ///< the engine is there and all was read anew
    std::function<void()> on_audited;    ///< the model was found true, or mended
    std::function<void(const std::string& exec_id, int exit_code)> on_exec_end =
        [](const std::string&, int) {};
  };

  struct Settings {
    std::chrono::milliseconds audit_interval{std::chrono::minutes(5)};
    /// How often Docker must answer; given up after three times in a row without an answer.
    std::chrono::milliseconds probe_interval{std::chrono::seconds(15)};
    std::chrono::milliseconds probe_limit{std::chrono::seconds(10)};
    std::chrono::milliseconds longest_pause{std::chrono::seconds(5)};
    /// The clock that Docker's events are stamped by; of the test in tests.
    std::function<base::UnixNanos()> wall_clock = base::WallClockNow;
  };

  Watcher(dockerapi::Client& docker, Engine& engine, Model& model, ImageCatalog& images,
          Notices notices, Settings settings);
  /// Ends the threads at once.
  ~Watcher() = default;
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;

  void Start();
  [[nodiscard]] EngineCondition Condition() const { return *condition_.Lock(); }

 private:
  void Run(const std::stop_token& stop);
  [[nodiscard]] base::Status Watch(const std::stop_token& stop);
  /// Returns once Docker has stopped answering, or `stop` is requested: an engine that hangs keeps
  /// its event stream open.
  [[nodiscard]] base::Status Probe(const base::CallContext& context, const std::stop_token& stop);
  [[nodiscard]] base::Status OnOpen(const base::CallContext& context);
  void OnEvent(const dockerapi::Event& event);
  [[nodiscard]] SteadyNanos HappenedAt(const dockerapi::Event& event) const;
  void OnContainerEvent(const dockerapi::Event& event);
  void OnExecEnd(const dockerapi::Event& event);
  [[nodiscard]] base::Status Refresh(const std::stop_token& stop, const std::string& id,
                                     SteadyNanos news);
  void Audit(const std::stop_token& stop);

  dockerapi::Client& docker_;
  Engine& engine_;
  Model& model_;
  ImageCatalog& images_;
  Notices notices_;
  Settings settings_;
  base::Guarded<EngineCondition> condition_;
  RefreshQueue queue_;
  // Last: they end before what they use.
  std::jthread auditing_;
  std::jthread watching_;
};

}  // namespace dockershimd::shim::node
