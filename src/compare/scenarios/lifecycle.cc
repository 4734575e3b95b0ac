// Pods and containers from creation to removal.
#include "compare/event_listener.h"
#include "compare/scenario.h"

namespace dockershimd::compare {
namespace {

void PodLife(Session& s) {
  auto config = s.PodConfig("pod");
  (*config.mutable_labels())["app"] = "shop";
  (*config.mutable_annotations())["example.org/note"] = "a \"quoted\" text";
  config.mutable_metadata()->set_attempt(2);
  const auto pod = s.RunPod(config);
  s.Record("ready", s.PodStatus(pod));
  cri::ListPodSandboxRequest list;
  list.mutable_filter()->set_id(pod.id);
  s.Record("listed", s.Ask("ListPodSandbox", &Runtime::ListPodSandbox, list));
  s.StopPod(pod);
  s.Record("stopped", s.PodStatus(pod));
  s.StopPod(pod);  // a second time is fine
  s.RemovePod(pod);
  s.RemovePod(pod);
  cri::PodSandboxStatusRequest status;
  status.set_pod_sandbox_id(pod.id);
  s.ObserveCode("status of a removed pod", s.Try(&Runtime::PodSandboxStatus, status));
  const auto none = s.Ask("ListPodSandbox", &Runtime::ListPodSandbox, list);
  s.Verify("a removed pod is not listed", none.items_size() == 0);
}

/// A container that uses what most pods use.
cri::ContainerConfig Typical(Session& s) {
  auto config = s.Sleeper("main");
  config.set_working_dir("/tmp");
  auto* variable = config.add_envs();
  variable->set_key("GREETING");
  variable->set_value("hello");
  (*config.mutable_annotations())["io.kubernetes.container.hash"] = "1";
  auto* mount = config.add_mounts();
  mount->set_host_path(s.Folder("data").string());
  mount->set_container_path("/data");
  mount->set_readonly(true);
  auto& resources = *config.mutable_linux()->mutable_resources();
  resources.set_cpu_shares(512);
  resources.set_cpu_period(100000);
  resources.set_cpu_quota(50000);
  resources.set_memory_limit_in_bytes(64 << 20);
  resources.set_oom_score_adj(1000);
  return config;
}

void ContainerLife(Session& s) {
  const auto pod = s.RunPod(s.PodConfig("container"));
  const auto config = Typical(s);
  const auto container = s.Create(pod, config);
  s.Record("created", s.Status(container));
  s.Start(container);
  s.Verify("is up", s.WaitForLog(pod, config, "up"));
  s.Record("running", s.Status(container));
  s.ObserveCode("started again", s.TryStart(container));
  cri::ListContainersRequest list;
  list.mutable_filter()->set_id(container);
  s.Record("listed", s.Ask("ListContainers", &Runtime::ListContainers, list));
  s.Record("of the pod", s.PodStatus(pod));
  s.Stop(container);
  s.Record("stopped", s.Status(container));
  s.Stop(container);  // a second time is fine
  s.ObserveCode("started after its end", s.TryStart(container));
  s.Remove(container);
  s.Remove(container);
  cri::ContainerStatusRequest status;
  status.set_container_id(container);
  s.ObserveCode("status of a removed container", s.Try(&Runtime::ContainerStatus, status));
}

void ExitCodes(Session& s) {
  const auto pod = s.RunPod(s.PodConfig("exit"));
  for (const int code : {0, 1, 137, 255}) {
    const auto name = "exit-" + std::to_string(code);
    const auto container = s.Run(pod, s.Shell(name, "exit " + std::to_string(code)));
    const auto status = s.WaitForEnd(container);
    s.Verify(name, status.status().exit_code() == code,
             std::to_string(status.status().exit_code()));
    s.Record(name, status);
  }
  // A first process ignores signals that it has no handler for, so its child's end is passed on.
  const auto killed = s.Run(pod, s.Shell("signal", "sh -c 'kill -SEGV $$'"));
  s.Record("ended by a signal", s.WaitForEnd(killed));
}

void GracefulStop(Session& s) {
  const auto pod = s.RunPod(s.PodConfig("stop"));
  const auto handler =
      s.Shell("handles", "trap 'exit 7' TERM; echo up; while :; do sleep 0.1; done");
  const auto handles = s.Run(pod, handler);
  s.Verify("the first is up", s.WaitForLog(pod, handler, "up"));
  s.Stop(handles);
  s.Record("TERM handled", s.Status(handles));
  const auto deaf = s.Shell("ignores", "trap '' TERM; echo up; while :; do sleep 0.1; done");
  const auto ignores = s.Run(pod, deaf);
  s.Verify("the second is up", s.WaitForLog(pod, deaf, "up"));
  const auto begin = std::chrono::steady_clock::now();
  s.Stop(ignores, std::chrono::seconds(1));
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  s.Verify("TERM ignored: killed after the grace period", took.count() >= 0.9,
           std::to_string(took.count()) + " s");
  s.Record("TERM ignored", s.Status(ignores));
  const auto running = s.Run(pod, s.Sleeper("running"));
  s.Remove(running);
  cri::ContainerStatusRequest status;
  status.set_container_id(running);
  s.ObserveCode("status of a container removed while it ran",
                s.Try(&Runtime::ContainerStatus, status));
}

void StopSignal(Session& s) {
  const auto pod = s.RunPod(s.PodConfig("signal"));
  auto config = s.Shell(
      "main", "trap 'exit 9' USR1; trap 'exit 8' TERM; echo up; while :; do sleep 0.1; done");
  config.set_stop_signal(cri::SIGNAL_SIGUSR1);
  const auto container = s.Run(pod, config);
  s.Verify("is up", s.WaitForLog(pod, config, "up"));
  s.Record("running", s.Status(container));
  s.Stop(container);
  s.Record("stopped", s.Status(container));
}

/// As kubelet restarts a container: the next attempt beside the one that ended.
void Attempts(Session& s) {
  const auto pod = s.RunPod(s.PodConfig("attempts"));
  (void)s.WaitForEnd(s.Run(pod, s.Shell("main", "exit 1")));
  auto next = s.Sleeper("main");
  next.mutable_metadata()->set_attempt(1);
  (void)s.Run(pod, next);
  cri::ListContainersRequest list;
  list.mutable_filter()->set_pod_sandbox_id(pod.id);
  const auto both = s.Ask("ListContainers", &Runtime::ListContainers, list);
  s.Verify("both attempts are listed", both.containers_size() == 2,
           std::to_string(both.containers_size()));
  list.mutable_filter()->mutable_state()->set_state(cri::CONTAINER_RUNNING);
  const auto running = s.Ask("ListContainers", &Runtime::ListContainers, list);
  s.Verify("one runs", running.containers_size() == 1, std::to_string(running.containers_size()));
  s.Record("the one that runs", running);
}

void PodStopEndsContainers(Session& s) {
  const auto pod = s.RunPod(s.PodConfig("podstop"));
  const auto config = s.Sleeper("main");
  const auto container = s.Run(pod, config);
  s.Verify("is up", s.WaitForLog(pod, config, "up"));
  s.StopPod(pod);
  s.Record("container of a stopped pod", s.Status(container));
  s.RemovePod(pod);
  cri::ListContainersRequest list;
  list.mutable_filter()->set_pod_sandbox_id(pod.id);
  const auto left = s.Ask("ListContainers", &Runtime::ListContainers, list);
  s.Verify("a removed pod has no containers", left.containers_size() == 0);
}

void Resize(Session& s) {
  const auto pod = s.RunPod(s.PodConfig("resize"));
  const auto container = s.Run(pod, Typical(s));
  cri::UpdateContainerResourcesRequest update;
  update.set_container_id(container);
  auto& resources = *update.mutable_linux();
  resources.set_cpu_shares(1024);
  resources.set_cpu_period(100000);
  resources.set_cpu_quota(150000);
  resources.set_memory_limit_in_bytes(96 << 20);
  (void)s.Ask("UpdateContainerResources", &Runtime::UpdateContainerResources, update);
  s.Record("resized", s.Status(container));
  cri::UpdatePodSandboxResourcesRequest pod_update;
  pod_update.set_pod_sandbox_id(pod.id);
  pod_update.mutable_resources()->set_cpu_shares(1024);
  s.ObserveCode("UpdatePodSandboxResources",
                s.Try(&Runtime::UpdatePodSandboxResources, pod_update));
}

void Events(Session& s) {
  EventListener listener(s.Runtime().Client());
  const auto pod = s.RunPod(s.PodConfig("events"));
  const auto container = s.Run(pod, s.Sleeper("main"));
  s.Stop(container);
  s.Remove(container);
  s.StopPod(pod);
  s.RemovePod(pod);
  const auto seen = [&](const std::string& id, cri::ContainerEventType type) {
    return s.WaitUntil([&] { return listener.Find(id, type).has_value(); },
                       std::chrono::seconds(5));
  };
  constexpr cri::ContainerEventType kTypes[] = {
      cri::CONTAINER_CREATED_EVENT, cri::CONTAINER_STARTED_EVENT, cri::CONTAINER_STOPPED_EVENT,
      cri::CONTAINER_DELETED_EVENT};
  for (const auto type : kTypes) {
    const auto& name = cri::ContainerEventType_Name(type);
    s.Verify("container: " + name, seen(container, type));
    s.Verify("pod: " + name, seen(pod.id, type));
  }
  if (const auto started = listener.Find(container, cri::CONTAINER_STARTED_EVENT)) {
    s.Record("the container's start", *started);
  }
}

constexpr Scenario kScenarios[] = {
    {"lifecycle/pod", "a pod from start to removal", PodLife},
    {"lifecycle/container", "a container from creation to removal", ContainerLife},
    {"lifecycle/exit-codes", "containers that end by themselves", ExitCodes},
    {"lifecycle/graceful-stop", "TERM handled, TERM ignored, removal while running", GracefulStop},
    {"lifecycle/stop-signal", "a stop signal of the container's own", StopSignal},
    {"lifecycle/attempts", "a container's second attempt beside its first", Attempts},
    {"lifecycle/pod-stop", "stopping a pod whose container runs", PodStopEndsContainers},
    {"lifecycle/resize", "resources changed while the container runs", Resize},
    {"lifecycle/events", "GetContainerEvents over a container's life", Events},
};

}  // namespace

std::span<const Scenario> LifecycleScenarios() { return kScenarios; }

}  // namespace dockershimd::compare
