#include "compare/clean_up.h"

namespace dockershimd::compare {

using base::Fail;

base::Status RemovePod(Endpoint& endpoint, const std::string& id) {
  // Not to be stopped: this is what a stopped run still has to do.
  cri::StopPodSandboxRequest stop;
  stop.set_pod_sandbox_id(id);
  const auto stopped = endpoint.Call(&Runtime::StopPodSandbox, stop, {});
  cri::RemovePodSandboxRequest remove;
  remove.set_pod_sandbox_id(id);
  const auto removed = endpoint.Call(&Runtime::RemovePodSandbox, remove, {});
  if (removed || removed.error().code == base::Code::kNotFound) return {};
  return Fail(stopped ? removed.error() : stopped.error(),
              fmt::format("{}: pod {} is still there", endpoint.Address(), id));
}

base::Result<int> RemoveLeftovers(Endpoint& endpoint) {
  cri::ListPodSandboxRequest request;
  (*request.mutable_filter()->mutable_label_selector())[kOwnerLabel] = kOwner;
  const auto pods = endpoint.Call(&Runtime::ListPodSandbox, request, {});
  if (!pods) return Fail(pods.error(), endpoint.Address());
  for (const auto& pod : pods->items()) {
    if (auto removed = RemovePod(endpoint, pod.id()); !removed) return Fail(removed.error());
  }
  return pods->items_size();
}

}  // namespace dockershimd::compare
