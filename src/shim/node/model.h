#pragma once

#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/call_context.h"
#include "base/guarded.h"
#include "base/keyed_mutex.h"
#include "base/result.h"
#include "dockerapi/client.h"
#include "shim/node/pods.h"

namespace dockershimd::shim::node {

/// The pods on this node: every sandbox and container that carries our labels, as Docker last
/// showed it. Containers of anybody else are never in it. Readers get immutable records and never
/// wait for Docker. Of one container an older look never replaces a newer one. Thread-safe.
class Model {
 public:
  /// A container in somebody's hand; see TakeInHand. Must not outlive the model.
  class Hold;

  struct Hooks {
    /// The network of a sandbox as it is now.
    std::function<translate::NetworkView(const translate::SandboxRecord&)> network_of;
    /// Whether the kernel's out-of-memory killer has hit a container: asked where Docker says of
    /// one that was killed that it was not. May be empty.
    std::function<bool(const std::string& id)> was_oom_killed = {};
    /// Takes note of a change. Called in the order of the changes, each exactly once however the
    /// model learned of it; must neither wait nor call the model. What is found at the first
    /// Rebuild is no change.
    std::function<void(Change)> on_change;
  };

  Model(dockerapi::Client& docker, Hooks hooks) : docker_(docker), hooks_(std::move(hooks)) {}

  /// Reads everything anew. A container that cannot be inspected stays visible with what the list
  /// says of it.
  [[nodiscard]] base::Status Rebuild(const base::CallContext& context);

  /// Compares everything with Docker's list and reads anew what differs, and what has not run yet:
  /// of a failed start by somebody else neither the list nor an event tells. Returns how many
  /// differed.
  [[nodiscard]] base::Result<int> Audit(const base::CallContext& context);

  /// Reads one container anew; forgets it where Docker does not know it any more. Nothing to do
  /// where it was read after `news`.
  [[nodiscard]] base::Status Refresh(const base::CallContext& context, const std::string& id,
                                     SteadyNanos news = std::numeric_limits<SteadyNanos>::max());

  /// For a call that is changing a container and will read or forget it: until it lets go, what
  /// events tell of it waits. Should something newer than the model's record have come by then, it
  /// is read.
  [[nodiscard]] Hold TakeInHand(const std::string& id);
  /// True where somebody has the container in hand, who sees to it then.
  [[nodiscard]] bool LeaveToHolder(const std::string& id, SteadyNanos news);

  /// Looks at a sandbox's network anew, after it was set up or torn down.
  void RefreshNetwork(const std::string& sandbox_id);

  /// Forgets a container that has just been removed.
  void Forget(const std::string& id);

  [[nodiscard]] Snapshot<SandboxPtr> Sandboxes() const;
  [[nodiscard]] Snapshot<ContainerPtr> Containers() const;
  [[nodiscard]] std::vector<ContainerPtr> ContainersOf(const std::string& sandbox_id) const;

  /// By full id or by an unambiguous beginning of it. kNotFound names the id;
  /// kInvalidArgument: empty or ambiguous.
  [[nodiscard]] base::Result<SandboxPtr> FindSandbox(const std::string& id) const;
  [[nodiscard]] base::Result<ContainerPtr> FindContainer(const std::string& id) const;

  /// True for the full id of a sandbox or container in the model.
  [[nodiscard]] bool Knows(const std::string& id) const;
  /// True where Docker was asked for the container after `time`: nothing older can be news.
  [[nodiscard]] bool IsNewerThan(const std::string& id, SteadyNanos time) const;

 private:
  struct InHand {
    int holders = 0;
    SteadyNanos news = 0;  ///< the newest that has come meanwhile
  };
  struct State {
    bool complete = false;
    Pods pods;
  };

  [[nodiscard]] base::Status Take(const base::CallContext& context,
                                  const dockerapi::ContainerSummary& summary);
  void Store(dockerapi::ContainerDetails details, SteadyNanos read_at);
  void Announce(const State& state, std::vector<Change> changes) const;
  [[nodiscard]] bool Differs(const dockerapi::ContainerSummary& summary) const;
  [[nodiscard]] std::optional<Life> LifeOfContainer(const std::string& id) const;
  [[nodiscard]] std::vector<std::string> KnownIds() const;
  void LetGo(const std::string& id);
  void DropNews(const std::string& id);

  dockerapi::Client& docker_;
  Hooks hooks_;
  base::KeyedMutex refreshing_;  ///< by id; held from the question to Docker until the answer is in
  base::Guarded<std::unordered_map<std::string, InHand>> in_hand_;
  mutable base::Guarded<State> state_;  ///< mutable: lists are made when they are asked for
};

class Model::Hold {
 public:
  Hold(Model& model, std::string id) : model_(model), id_(std::move(id)) {}
  Hold(const Hold&) = delete;
  Hold& operator=(const Hold&) = delete;
  ~Hold() { model_.LetGo(id_); }

 private:
  Model& model_;
  std::string id_;
};

}  // namespace dockershimd::shim::node
