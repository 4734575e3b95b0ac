#include "shim/service/creation.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <thread>
#include <utility>

#include "base/encoding.h"
#include "base/log.h"
#include "shim/translate/labels.h"

namespace dockershimd::shim::service {

using base::Code;
using base::Fail;
using base::Result;

namespace {

/// How long Docker may take to finish a creation that somebody else began.
constexpr std::chrono::seconds kBegunElsewhere(20);

/// Who has the name. Docker reserves a name before the container can be seen: after a restart of
/// ours, a creation that our predecessor asked for may still be under way. Nobody: it failed and
/// the name is free again.
Result<std::optional<dockerapi::ContainerDetails>> HolderOf(const base::CallContext& context,
                                                            dockerapi::Client& docker,
                                                            const std::string& name) {
  auto holder = docker.InspectContainer(context, name);
  if (holder) return std::move(*holder);
  if (holder.error().code == Code::kNotFound) return std::nullopt;
  return Fail(holder.error(), "look at the container that has the name " + name);
}

}  // namespace

Result<std::string> CreateNamed(const base::CallContext& context, dockerapi::Client& docker,
                                const std::string& name, const dockerapi::ContainerSpec& spec,
                                const StaleRemover& remove_stale) {
  const auto patience = context.Within(kBegunElsewhere);
  auto pause = std::chrono::milliseconds(10);
  while (true) {
    auto created = docker.CreateContainer(context, name, spec);
    if (created || created.error().code != Code::kAlreadyExists) return created;
    const auto holder = HolderOf(context, docker, name);
    if (!holder) return Fail(holder.error());
    if (!*holder) {
      if (patience.IsExpired() || context.IsCancelled()) return created;
      std::this_thread::sleep_for(pause);
      pause = std::min(pause * 2, std::chrono::milliseconds(500));
      continue;
    }
    const std::string& id = (*holder)->id;
    if (translate::LabelOr((*holder)->spec.labels, translate::kTypeLabel).empty()) {
      const std::string other_name = name + "_" + base::RandomHex(4);
      spdlog::warn("the name {} is taken by container {}, which is not a pod's; using {}", name, id,
                   other_name);
      return docker.CreateContainer(context, other_name, spec);
    }
    spdlog::warn("container {} is a leftover with the name {}; removing it", id, name);
    if (auto removed = remove_stale(id); !removed) {
      return Fail(removed.error(), "make room for " + name);
    }
  }
}

}  // namespace dockershimd::shim::service
