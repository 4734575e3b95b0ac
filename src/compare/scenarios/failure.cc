// What happens when something is wrong.
#include "compare/scenario.h"

namespace dockershimd::compare {
namespace {

void UnknownIds(Session& s) {
  const std::string id(64, 'e');
  const auto pod_call = [&](const std::string& name, auto rpc, auto request) {
    request.set_pod_sandbox_id(id);
    s.ObserveCode(name, s.Try(rpc, request));
  };
  const auto container_call = [&](const std::string& name, auto rpc, auto request) {
    request.set_container_id(id);
    s.ObserveCode(name, s.Try(rpc, request));
  };
  pod_call("StopPodSandbox", &Runtime::StopPodSandbox, cri::StopPodSandboxRequest());
  pod_call("RemovePodSandbox", &Runtime::RemovePodSandbox, cri::RemovePodSandboxRequest());
  pod_call("PodSandboxStatus", &Runtime::PodSandboxStatus, cri::PodSandboxStatusRequest());
  pod_call("PodSandboxStats", &Runtime::PodSandboxStats, cri::PodSandboxStatsRequest());
  pod_call("PortForward", &Runtime::PortForward, cri::PortForwardRequest());
  container_call("StartContainer", &Runtime::StartContainer, cri::StartContainerRequest());
  container_call("StopContainer", &Runtime::StopContainer, cri::StopContainerRequest());
  container_call("RemoveContainer", &Runtime::RemoveContainer, cri::RemoveContainerRequest());
  container_call("ContainerStatus", &Runtime::ContainerStatus, cri::ContainerStatusRequest());
  container_call("ContainerStats", &Runtime::ContainerStats, cri::ContainerStatsRequest());
  container_call("ReopenContainerLog", &Runtime::ReopenContainerLog,
                 cri::ReopenContainerLogRequest());
  container_call("UpdateContainerResources", &Runtime::UpdateContainerResources,
                 cri::UpdateContainerResourcesRequest());
  cri::ExecSyncRequest exec;
  exec.add_cmd("true");
  container_call("ExecSync", &Runtime::ExecSync, exec);
  cri::AttachRequest attach;
  attach.set_stdout(true);
  container_call("Attach", &Runtime::Attach, attach);
}

void Starts(Session& s) {
  const auto pod = s.RunPod(s.PodConfig("starts"));
  auto absent = s.Sleeper("absent");
  absent.mutable_image()->set_image("registry.invalid/cri-compare/absent:1");
  s.ObserveCode("an image that is not there", s.TryCreate(pod, absent));
  const auto command = s.Create(pod, s.Command("command", {"/not/there"}));
  s.Verify("a command that is not there fails the start", !s.TryStart(command).has_value());
  s.Record("after a command that is not there", s.Status(command));
  const auto folder = s.Create(pod, s.Command("folder", {"/tmp"}));
  s.Verify("a command that is a folder fails the start", !s.TryStart(folder).has_value());
  s.Record("after a command that is a folder", s.Status(folder));
}

void OutOfMemory(Session& s) {
  const auto pod = s.RunPod(s.PodConfig("oom"));
  auto config =
      s.Shell("main", "x=; while :; do x=$x$(head -c 1000000 /dev/zero | tr '\\0' x); done");
  auto& resources = *config.mutable_linux()->mutable_resources();
  resources.set_memory_limit_in_bytes(24 << 20);
  resources.set_memory_swap_limit_in_bytes(24 << 20);
  s.Record("killed for its memory", s.WaitForEnd(s.Run(pod, config)));
}

void Duplicates(Session& s) {
  const auto config = s.PodConfig("twice");
  const auto pod = s.RunPod(config);
  s.ObserveCode("a pod that is there", s.TryRunPod(config, s.Config().runtime_handler));
  (void)s.Run(pod, s.Sleeper("main"));
  s.ObserveCode("a container that is there", s.TryCreate(pod, s.Sleeper("main")));
}

void Invalid(Session& s) {
  const auto refused = [&](const std::string& name, const cri::PodSandboxConfig& config) {
    s.Verify(name + " is refused", !s.TryRunPod(config, s.Config().runtime_handler).has_value());
  };
  auto nameless = s.PodConfig("nameless");
  nameless.clear_metadata();
  refused("a pod without metadata", nameless);
  const auto handler = s.TryRunPod(s.PodConfig("handler"), "no-such-handler");
  s.Verify("an unknown runtime handler is refused", !handler.has_value());
  auto sysctl = s.PodConfig("sysctl");
  (*sysctl.mutable_linux()->mutable_sysctls())["vm.swappiness"] = "10";
  refused("a sysctl that no namespace has", sysctl);
  const auto pod = s.RunPod(s.PodConfig("stopped"));
  s.StopPod(pod);
  const auto late = s.TryCreate(pod, s.Sleeper("late"));
  s.Observe("a container for a stopped pod is", !late                ? "refused at creation"
                                                : !s.TryStart(*late) ? "refused at start"
                                                                     : "started");
  const auto other = s.RunPod(s.PodConfig("other"));
  auto unnamed = s.Sleeper("unnamed");
  unnamed.clear_metadata();
  s.Verify("a container without metadata is refused", !s.TryCreate(other, unnamed).has_value());
}

/// Somebody kills the container's process: kubelet must hear how it ended.
void Killed(Session& s) {
  const auto pod = s.RunPod(s.PodConfig("killed"));
  auto config = s.Sleeper("main");
  const auto id = s.Run(pod, config);
  cri::StopContainerRequest stop;
  stop.set_container_id(id);
  stop.set_timeout(0);
  (void)s.Ask("StopContainer", &Runtime::StopContainer, stop);
  s.Record("stopped without grace", s.Status(id));
}

constexpr Scenario kScenarios[] = {
    {"failure/unknown-ids", "each call about what is not there", UnknownIds},
    {"failure/starts", "containers that cannot start", Starts},
    {"failure/out-of-memory", "a container that needs too much memory", OutOfMemory},
    {"failure/duplicates", "what is there is asked for again", Duplicates},
    {"failure/invalid", "requests that make no sense", Invalid},
    {"failure/killed", "a stop without a grace period", Killed},
};

}  // namespace

std::span<const Scenario> FailureScenarios() { return kScenarios; }

}  // namespace dockershimd::compare
