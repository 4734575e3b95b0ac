#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/call_context.h"
#include "base/guarded.h"
#include "base/keyed_mutex.h"
#include "base/result.h"
#include "dockerapi/client.h"
#include "shim/translate/records.h"

namespace dockershimd::shim::node {

using SandboxPtr = std::shared_ptr<const translate::SandboxRecord>;
using ContainerPtr = std::shared_ptr<const translate::ContainerRecord>;

/// The pods on this node: every sandbox and container that carries our labels, as Docker last
/// showed it. Containers of anybody else are never in it. Readers get immutable records and never
/// wait for Docker. Thread-safe.
class Model {
 public:
  explicit Model(dockerapi::Client& docker) : docker_(docker) {}

  /// Reads everything anew. A container that cannot be inspected stays visible with what the list
  /// says of it.
  [[nodiscard]] base::Status Rebuild(const base::CallContext& context);

  /// Reads one container anew; forgets it where Docker does not know it any more. Two refreshes of
  /// one container never overtake each other.
  [[nodiscard]] base::Status Refresh(const base::CallContext& context, const std::string& id);

  /// Forgets a container that has just been removed.
  void Forget(const std::string& id);

  [[nodiscard]] std::vector<SandboxPtr> Sandboxes() const;
  [[nodiscard]] std::vector<ContainerPtr> Containers() const;
  [[nodiscard]] std::vector<ContainerPtr> ContainersOf(const std::string& sandbox_id) const;

  /// By full id or by an unambiguous beginning of it. kNotFound names the id;
  /// kInvalidArgument: empty or ambiguous.
  [[nodiscard]] base::Result<SandboxPtr> FindSandbox(const std::string& id) const;
  [[nodiscard]] base::Result<ContainerPtr> FindContainer(const std::string& id) const;

 private:
  struct Pods {
    // Ordered, so that all ids with a given beginning stand together.
    std::map<std::string, SandboxPtr> sandboxes;
    std::map<std::string, ContainerPtr> containers;
  };

  [[nodiscard]] dockerapi::ContainerDetails DetailsOf(const base::CallContext& context,
                                                      const dockerapi::ContainerSummary& summary);
  void Store(dockerapi::ContainerDetails details);

  dockerapi::Client& docker_;
  base::KeyedMutex refreshing_;
  base::Guarded<Pods> pods_;
};

}  // namespace dockershimd::shim::node
