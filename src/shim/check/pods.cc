#include "shim/check/pods.h"

#include <fmt/format.h>

#include <utility>

#include "shim/server/listening_socket.h"
#include "shim/translate/labels.h"

namespace dockershimd::shim::check {

Finding JudgePods(const std::vector<dockerapi::ContainerSummary>& containers) {
  int own_pods = 0;
  int other_pods = 0;
  int other_containers = 0;
  for (const auto& container : containers) {
    const auto type = translate::LabelOr(container.labels, translate::kTypeLabel);
    if (type.empty()) continue;
    const bool own = container.labels.contains(std::string(translate::kConfigLabel));
    if (type != "podsandbox") {
      if (!own) ++other_containers;
    } else {
      ++(own ? own_pods : other_pods);
    }
  }
  auto found = fmt::format("{} of this runtime", own_pods);
  if (other_pods + other_containers > 0) {
    found += fmt::format(
        "; {} pods with {} containers of dockershim or cri-dockerd, which are taken over as they "
        "run",
        other_pods, other_containers);
  }
  return {Verdict::kOk, "pods", found};
}

Findings LookForRuntimes(const std::filesystem::path& root) {
  constexpr std::pair<const char*, const char*> kKnown[] = {
      {"run/cri-dockerd.sock", "cri-dockerd"},
      {"run/crio/crio.sock", "CRI-O"},
      {"run/containerd/containerd.sock", "containerd (Docker's own, too)"},
  };
  Findings findings;
  for (const auto& [path, name] : kKnown) {
    const auto socket = root / path;
    if (!server::IsListening(socket.string())) continue;
    findings.push_back(
        {Verdict::kOk, "other runtime", fmt::format("{} serves {}", name, socket.string())});
  }
  return findings;
}

}  // namespace dockershimd::shim::check
