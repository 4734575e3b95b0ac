#include "shim/translate/labels.h"

namespace dockershimd::shim::translate {
namespace {

bool IsInternal(std::string_view name) {
  return name == kTypeLabel || name == kSandboxIdLabel || name == kLogPathLabel ||
         name.starts_with(kOwnPrefix);
}

}  // namespace

dockerapi::Labels ToDockerLabels(const StringMap& labels, const StringMap& annotations) {
  dockerapi::Labels docker_labels;
  for (const auto& [name, value] : labels) {
    if (!IsInternal(name)) docker_labels[name] = value;
  }
  for (const auto& [name, value] : annotations) {
    docker_labels[std::string(kAnnotationPrefix) + name] = value;
  }
  return docker_labels;
}

void FromDockerLabels(const dockerapi::Labels& docker_labels, bool is_sandbox, StringMap* labels,
                      StringMap* annotations) {
  for (const auto& [name, value] : docker_labels) {
    if (IsInternal(name)) continue;
    if (is_sandbox && name == kContainerNameLabel) continue;
    if (name.starts_with(kAnnotationPrefix)) {
      (*annotations)[name.substr(kAnnotationPrefix.size())] = value;
    } else {
      (*labels)[name] = value;
    }
  }
}

bool LabelsMatch(const StringMap& selector, const StringMap& labels) {
  for (const auto& [name, value] : selector) {
    const auto found = labels.find(name);
    if (found == labels.end() || found->second != value) return false;
  }
  return true;
}

}  // namespace dockershimd::shim::translate
