#include "shim/service/creation.h"

#include "base/encoding.h"
#include "base/log.h"
#include "shim/translate/labels.h"

namespace dockershimd::shim::service {

using base::Code;
using base::Fail;
using base::Result;

Result<std::string> CreateNamed(const base::CallContext& context, dockerapi::Client& docker,
                                const std::string& name, const dockerapi::ContainerSpec& spec,
                                const StaleRemover& remove_stale) {
  auto created = docker.CreateContainer(context, name, spec);
  if (created || created.error().code != Code::kAlreadyExists) return created;
  const auto holder = docker.InspectContainer(context, name);
  if (!holder && holder.error().code != Code::kNotFound) {
    return Fail(holder.error(), "look at the container that has the name " + name);
  }
  const bool is_ours =
      holder && !translate::LabelOr(holder->spec.labels, translate::kTypeLabel).empty();
  if (holder && !is_ours) {
    const std::string other_name = name + "_" + base::RandomHex(4);
    spdlog::warn("the name {} is taken by container {}, which is not a pod's; using {}", name,
                 holder->id, other_name);
    return docker.CreateContainer(context, other_name, spec);
  }
  if (is_ours) {
    spdlog::warn("container {} is a leftover with the name {}; removing it", holder->id, name);
    if (auto removed = remove_stale(holder->id); !removed) {
      return Fail(removed.error(), "make room for " + name);
    }
  }
  return docker.CreateContainer(context, name, spec);
}

}  // namespace dockershimd::shim::service
