#include "shim/translate/records.h"

#include <utility>

#include "shim/translate/labels.h"
#include "shim/translate/remembered.h"

namespace dockershimd::shim::translate {

Record RecordOf(dockerapi::ContainerDetails details) {
  const auto& labels = details.spec.labels;
  const std::string type = LabelOr(labels, kTypeLabel);
  if (type == kTypeSandbox) {
    auto config = RecallSandbox(details);
    std::string handler = LabelOr(labels, kRuntimeHandlerLabel);
    return SandboxRecord{std::move(details), std::move(config), std::move(handler)};
  }
  if (type == kTypeContainer) {
    auto config = RecallContainer(details);
    std::string sandbox_id = LabelOr(labels, kSandboxIdLabel);
    return ContainerRecord{std::move(details), std::move(config), std::move(sandbox_id)};
  }
  return std::monostate();
}

dockerapi::ContainerDetails DetailsFromSummary(const dockerapi::ContainerSummary& summary) {
  dockerapi::ContainerDetails details;
  details.id = summary.id;
  if (!summary.names.empty()) details.name = summary.names.front();
  details.created_at = summary.created_seconds * 1'000'000'000;
  details.image_id = summary.image_id;
  details.state.status = summary.state;
  details.state.running = summary.state == "running" || summary.state == "paused";
  details.state.dead = summary.state == "dead";
  details.spec.image = summary.image;
  details.spec.labels = summary.labels;
  return details;
}

}  // namespace dockershimd::shim::translate
