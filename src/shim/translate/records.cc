#include "shim/translate/records.h"

#include <charconv>
#include <string_view>
#include <utility>

#include "shim/translate/labels.h"
#include "shim/translate/remembered.h"
#include "shim/translate/status.h"

namespace dockershimd::shim::translate {
namespace {

/// Docker's text for people, "Exited (137) 3 minutes ago", is all that a list says of it. 255
/// where it does not even say that: nobody may take such a container for a success.
int ExitCodeIn(std::string_view status) {
  constexpr int kUnknown = 255;
  const auto open = status.find('(');
  if (open == std::string_view::npos) return kUnknown;
  int code = kUnknown;
  std::from_chars(status.data() + open + 1, status.data() + status.size(), code);
  return code;
}

/// The pod that a container belongs to, by kubelet's labels.
constexpr std::string_view kPodPrefix = "io.kubernetes.pod.";

/// A node holds thousands of these: what the config has is not kept twice, and what CRI never shows
/// is not kept at all.
void DropTheRest(dockerapi::ContainerDetails* details) {
  std::erase_if(details->spec.labels, [](const auto& label) {
    return label.first != kLogPathLabel && !label.first.starts_with(kPodPrefix);
  });
  std::erase_if(details->graph_driver_data,
                [](const auto& entry) { return entry.first != "UpperDir"; });
  details->path = {};
  details->args = {};
  details->hostname_path = {};
  details->hosts_path = {};
  details->sandbox_key = {};
  if (details->spec.host.network_mode == "none") details->networks = {};
  details->mounts = {};
  details->spec.environment = {};
  details->spec.host.binds = {};
  details->spec.host.mounts = {};
  details->spec.host.masked_paths = {};
  details->spec.host.readonly_paths = {};
}

}  // namespace

Record RecordOf(dockerapi::ContainerDetails details) {
  const auto& labels = details.spec.labels;
  const std::string type = LabelOr(labels, kTypeLabel);
  if (type == kTypeSandbox) {
    auto config = RecallSandbox(details);
    std::string handler = LabelOr(labels, kRuntimeHandlerLabel);
    DropTheRest(&details);
    return SandboxRecord{std::move(details), std::move(config), std::move(handler), {}, {}};
  }
  if (type == kTypeContainer) {
    auto config = RecallContainer(details);
    std::string sandbox_id = LabelOr(labels, kSandboxIdLabel);
    DropTheRest(&details);
    ContainerRecord record{std::move(details), std::move(config), std::move(sandbox_id), {}};
    record.row = ToContainer(record).SerializeAsString();
    return record;
  }
  return std::monostate();
}

void SetNetwork(NetworkView network, SandboxRecord* sandbox) {
  sandbox->network = std::move(network);
  sandbox->row = ToPodSandbox(*sandbox, sandbox->network).SerializeAsString();
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
  if (summary.state == "exited" || details.state.dead) {
    details.state.exit_code = ExitCodeIn(summary.status);
    // Kubelet waits for an end that has a time.
    details.state.started_at = details.created_at;
    details.state.finished_at = details.created_at;
  }
  details.spec.image = summary.image;
  details.spec.labels = summary.labels;
  return details;
}

}  // namespace dockershimd::shim::translate
