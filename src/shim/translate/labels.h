#pragma once

#include <string>
#include <string_view>

#include "cri/runtime/v1/api.pb.h"
#include "dockerapi/containers.h"
#include "shim/translate/packed.h"

namespace dockershimd::shim::translate {

// Labels that the in-tree dockershim and cri-dockerd write too: with them, pods can be handed
// from one to the other in place.
inline constexpr std::string_view kTypeLabel = "io.kubernetes.docker.type";
inline constexpr std::string_view kTypeSandbox = "podsandbox";
inline constexpr std::string_view kTypeContainer = "container";
inline constexpr std::string_view kSandboxIdLabel = "io.kubernetes.sandbox.id";
inline constexpr std::string_view kLogPathLabel = "io.kubernetes.container.logpath";
/// On sandboxes with the value "POD"; dockershim's tooling looks for it. Not shown through CRI.
inline constexpr std::string_view kContainerNameLabel = "io.kubernetes.container.name";
inline constexpr std::string_view kSandboxContainerName = "POD";
inline constexpr std::string_view kAnnotationPrefix = "annotation.";

/// Labels of our own, hidden from CRI.
inline constexpr std::string_view kOwnPrefix = "io.dockershimd.";
/// The CRI config that a container was made from, as JSON; see remembered.h.
inline constexpr std::string_view kConfigLabel = "io.dockershimd.config";
inline constexpr std::string_view kRuntimeHandlerLabel = "io.dockershimd.runtime-handler";

using StringMap = google::protobuf::Map<std::string, std::string>;

/// CRI labels and annotations as Docker labels. CRI labels that would pass for ours are left out:
/// they could make a container look like another one's.
[[nodiscard]] dockerapi::Labels ToDockerLabels(const StringMap& labels,
                                               const StringMap& annotations);

/// The way back: what the client gave, without what was added for Docker's sake.
void FromDockerLabels(const dockerapi::Labels& docker_labels, bool is_sandbox, StringMap* labels,
                      StringMap* annotations);

/// Whether all of the selector's labels are there with its values, as CRI's filters ask.
[[nodiscard]] bool LabelsMatch(const StringMap& selector, const StringMap& labels);

/// The same for the labels of a config.
template <class Config>
[[nodiscard]] bool LabelsMatch(const StringMap& selector, const Packed<Config>& config) {
  return selector.empty() || LabelsMatch(selector, config.Get().labels());
}

/// The value of one of Docker's or CRI's labels, or an empty text.
template <class Map>
[[nodiscard]] std::string LabelOr(const Map& labels, std::string_view name) {
  const auto found = labels.find(std::string(name));
  return found == labels.end() ? std::string() : found->second;
}

}  // namespace dockershimd::shim::translate
