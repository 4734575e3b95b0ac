#include "compare/round.h"

namespace dockershimd::compare {
namespace {

/// Reads are short: several a round, for percentiles that mean something.
constexpr int kReads = 5;

void Read(Session& s, const Pod& pod, const std::string& container) {
  cri::PodSandboxStatusRequest pod_status;
  pod_status.set_pod_sandbox_id(pod.id);
  cri::ContainerStatusRequest status;
  status.set_container_id(container);
  cri::ContainerStatsRequest stats;
  stats.set_container_id(container);
  cri::ImageStatusRequest image;
  image.mutable_image()->set_image(s.Config().image);
  for (int i = 0; i < kReads; ++i) {
    (void)s.Ask("PodSandboxStatus", &Runtime::PodSandboxStatus, pod_status);
    (void)s.Ask("ContainerStatus", &Runtime::ContainerStatus, status);
    (void)s.Ask("ListPodSandbox", &Runtime::ListPodSandbox, cri::ListPodSandboxRequest());
    (void)s.Ask("ListContainers", &Runtime::ListContainers, cri::ListContainersRequest());
    (void)s.Ask("ImageStatus", &ImageApi::ImageStatus, image);
    (void)s.Ask("Status", &Runtime::Status, cri::StatusRequest());
    // Not every runtime can answer this on every node.
    (void)s.Try(&Runtime::ContainerStats, stats);
    (void)s.Try(&Runtime::ListContainerStats, cri::ListContainerStatsRequest());
  }
}

}  // namespace

void MeasureRound(Session& s) {
  auto config = s.PodConfig("round");
  const auto measurement = s.Runtime().Measure();
  const auto pod = s.RunPod(config);
  const auto container = s.Run(pod, s.Sleeper("main"));
  Read(s, pod, container);
  for (int i = 0; i < kReads; ++i) (void)s.Need("ExecSync", s.TryExec(container, {"true"}));
  s.Stop(container);
  s.Remove(container);
  s.StopPod(pod);
  s.RemovePod(pod);
}

}  // namespace dockershimd::compare
