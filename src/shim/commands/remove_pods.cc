#include "shim/commands/remove_pods.h"

#include <fmt/format.h>

#include <chrono>
#include <ostream>

#include "criclient/client.h"

namespace dockershimd::shim::commands {
namespace {

namespace cri = runtime::v1;
using base::Fail;
using Runtime = cri::RuntimeService::StubInterface;

/// A pod whose network plugin fails once is tried again.
constexpr int kRounds = 3;
/// More than a container's default grace of 30 s.
constexpr std::chrono::minutes kPatience(3);
/// Before the kill that StopPodSandbox does to what still runs.
constexpr std::chrono::seconds kGrace(30);

base::Result<cri::ListPodSandboxResponse> List(criclient::Client& client) {
  return client.Call(&Runtime::ListPodSandbox, cri::ListPodSandboxRequest(), kPatience);
}

/// Each running container gets its time to end, as kubelet would give it.
void StopContainers(criclient::Client& client, const std::string& sandbox, std::ostream& err) {
  cri::ListContainersRequest request;
  request.mutable_filter()->set_pod_sandbox_id(sandbox);
  const auto containers = client.Call(&Runtime::ListContainers, request, kPatience);
  if (!containers) return;
  for (const auto& container : containers->containers()) {
    cri::StopContainerRequest stop;
    stop.set_container_id(container.id());
    stop.set_timeout(kGrace.count());
    const auto stopped = client.Call(&Runtime::StopContainer, stop, kPatience);
    if (!stopped) err << fmt::format("container {}: {}\n", container.id(), stopped.error().message);
  }
}

base::Status Remove(criclient::Client& client, const std::string& sandbox, std::ostream& err) {
  StopContainers(client, sandbox, err);
  cri::StopPodSandboxRequest stop;
  stop.set_pod_sandbox_id(sandbox);
  if (auto stopped = client.Call(&Runtime::StopPodSandbox, stop, kPatience); !stopped) {
    return Fail(stopped.error());
  }
  cri::RemovePodSandboxRequest remove;
  remove.set_pod_sandbox_id(sandbox);
  if (auto removed = client.Call(&Runtime::RemovePodSandbox, remove, kPatience); !removed) {
    return Fail(removed.error());
  }
  return {};
}

}  // namespace

bool RemovePods(const std::string& endpoint, std::ostream& out, std::ostream& err) {
  criclient::Client client(endpoint);
  for (int round = 0; round <= kRounds; ++round) {
    const auto pods = List(client);
    if (!pods) {
      err << fmt::format("remove-pods: {}: {}\n", endpoint, pods.error().message);
      return false;
    }
    if (pods->items().empty()) return true;
    if (round == kRounds) break;
    for (const auto& pod : pods->items()) {
      const auto name = fmt::format("{}/{}", pod.metadata().namespace_(), pod.metadata().name());
      if (auto removed = Remove(client, pod.id(), err); !removed) {
        err << fmt::format("pod {}: {}\n", name, removed.error().message);
      } else {
        out << "removed pod " << name << "\n";
      }
    }
  }
  err << "remove-pods: some pods are left, see above\n";
  return false;
}

}  // namespace dockershimd::shim::commands
