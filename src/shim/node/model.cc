#include "shim/node/model.h"

#include <unordered_set>
#include <utility>

#include "base/log.h"
#include "shim/translate/labels.h"

namespace dockershimd::shim::node {
namespace {

using base::Code;
using base::Fail;
using base::Result;

template <class Map>
auto Values(const Map& map) {
  std::vector<typename Map::mapped_type> values;
  values.reserve(map.size());
  for (const auto& [id, value] : map) values.push_back(value);
  return values;
}

template <class Map>
Result<typename Map::mapped_type> Find(const Map& map, const std::string& id,
                                       std::string_view kind) {
  if (id.empty()) return Fail(Code::kInvalidArgument, "{} id: is required", kind);
  const auto found = map.lower_bound(id);
  if (found == map.end() || !found->first.starts_with(id)) {
    return Fail(Code::kNotFound, "{} '{}' not found", kind, id);
  }
  const auto next = std::next(found);
  if (found->first != id && next != map.end() && next->first.starts_with(id)) {
    return Fail(Code::kInvalidArgument, "{} id '{}' is ambiguous", kind, id);
  }
  return found->second;
}

/// Drops what is not in `alive`, save what was seen only after the list was made.
template <class Map>
void KeepOnly(Map& map, const std::unordered_set<std::string>& alive,
              const std::unordered_set<std::string>& known_before) {
  std::erase_if(map, [&](const auto& entry) {
    return !alive.contains(entry.first) && known_before.contains(entry.first);
  });
}

}  // namespace

dockerapi::ContainerDetails Model::DetailsOf(const base::CallContext& context,
                                             const dockerapi::ContainerSummary& summary) {
  auto details = docker_.InspectContainer(context, summary.id);
  if (details) return std::move(*details);
  if (details.error().code != Code::kNotFound) {
    spdlog::warn("container {} ({}) cannot be inspected, shown as its list entry says: {}",
                 summary.id, summary.names.empty() ? "" : summary.names.front(),
                 details.error().message);
  }
  return translate::DetailsFromSummary(summary);
}

void Model::Store(dockerapi::ContainerDetails details) {
  const std::string id = details.id;
  auto record = translate::RecordOf(std::move(details));
  auto pods = pods_.Lock();
  if (auto* sandbox = std::get_if<translate::SandboxRecord>(&record)) {
    pods->sandboxes[id] = std::make_shared<const translate::SandboxRecord>(std::move(*sandbox));
  } else if (auto* container = std::get_if<translate::ContainerRecord>(&record)) {
    pods->containers[id] =
        std::make_shared<const translate::ContainerRecord>(std::move(*container));
  }
}

base::Status Model::Rebuild(const base::CallContext& context) {
  std::unordered_set<std::string> known_before;
  {
    auto pods = pods_.Lock();
    for (const auto& [id, record] : pods->sandboxes) known_before.insert(id);
    for (const auto& [id, record] : pods->containers) known_before.insert(id);
  }
  auto summaries = docker_.ListContainers(context, {std::string(translate::kTypeLabel)});
  if (!summaries) return Fail(summaries.error(), "list the node's containers");
  std::unordered_set<std::string> alive;
  for (const auto& summary : *summaries) {
    alive.insert(summary.id);
    const auto lease = refreshing_.Lock(summary.id);
    Store(DetailsOf(context, summary));
  }
  auto pods = pods_.Lock();
  KeepOnly(pods->sandboxes, alive, known_before);
  KeepOnly(pods->containers, alive, known_before);
  return {};
}

base::Status Model::Refresh(const base::CallContext& context, const std::string& id) {
  const auto lease = refreshing_.Lock(id);
  auto details = docker_.InspectContainer(context, id);
  if (details) {
    Store(std::move(*details));
    return {};
  }
  if (details.error().code == Code::kNotFound) {
    Forget(id);
    return {};
  }
  return Fail(details.error());
}

void Model::Forget(const std::string& id) {
  auto pods = pods_.Lock();
  pods->sandboxes.erase(id);
  pods->containers.erase(id);
}

std::vector<SandboxPtr> Model::Sandboxes() const { return Values(pods_.Lock()->sandboxes); }

std::vector<ContainerPtr> Model::Containers() const { return Values(pods_.Lock()->containers); }

std::vector<ContainerPtr> Model::ContainersOf(const std::string& sandbox_id) const {
  std::vector<ContainerPtr> found;
  auto pods = pods_.Lock();
  for (const auto& [id, container] : pods->containers) {
    if (container->sandbox_id == sandbox_id) found.push_back(container);
  }
  return found;
}

Result<SandboxPtr> Model::FindSandbox(const std::string& id) const {
  return Find(pods_.Lock()->sandboxes, id, "pod sandbox");
}

Result<ContainerPtr> Model::FindContainer(const std::string& id) const {
  return Find(pods_.Lock()->containers, id, "container");
}

}  // namespace dockershimd::shim::node
