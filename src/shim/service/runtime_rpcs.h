#pragma once

#include <utility>

#include "cri/runtime/v1/api.grpc.pb.h"
#include "shim/service/containers.h"
#include "shim/service/exec.h"
#include "shim/service/node_status.h"
#include "shim/service/rpc.h"
#include "shim/service/sandboxes.h"
#include "shim/service/stats.h"

namespace dockershimd::shim::service {

/// runtime.v1.RuntimeService: each RPC leads to the noun that answers it. RPCs that this version
/// does not have answer UNIMPLEMENTED with their name.
class RuntimeRpcs final : public runtime::v1::RuntimeService::Service {
 public:
  RuntimeRpcs(NodeStatus& node, Sandboxes& sandboxes, Containers& containers, Execs& execs,
              Stats& stats, RpcObserver observer)
      : node_(node),
        sandboxes_(sandboxes),
        containers_(containers),
        execs_(execs),
        stats_(stats),
        observer_(std::move(observer)) {}

#define DOCKERSHIMD_RPC(name)                                                                \
  grpc::Status name(grpc::ServerContext* context, const runtime::v1::name##Request* request, \
                    runtime::v1::name##Response* response) override;
  DOCKERSHIMD_RPC(Version)
  DOCKERSHIMD_RPC(Status)
  DOCKERSHIMD_RPC(RuntimeConfig)
  DOCKERSHIMD_RPC(UpdateRuntimeConfig)
  DOCKERSHIMD_RPC(RunPodSandbox)
  DOCKERSHIMD_RPC(StopPodSandbox)
  DOCKERSHIMD_RPC(RemovePodSandbox)
  DOCKERSHIMD_RPC(PodSandboxStatus)
  DOCKERSHIMD_RPC(ListPodSandbox)
  DOCKERSHIMD_RPC(CreateContainer)
  DOCKERSHIMD_RPC(StartContainer)
  DOCKERSHIMD_RPC(StopContainer)
  DOCKERSHIMD_RPC(RemoveContainer)
  DOCKERSHIMD_RPC(ListContainers)
  DOCKERSHIMD_RPC(ContainerStatus)
  DOCKERSHIMD_RPC(UpdateContainerResources)
  DOCKERSHIMD_RPC(ReopenContainerLog)
  DOCKERSHIMD_RPC(ExecSync)
  DOCKERSHIMD_RPC(ContainerStats)
  DOCKERSHIMD_RPC(ListContainerStats)
  DOCKERSHIMD_RPC(PodSandboxStats)
  DOCKERSHIMD_RPC(ListPodSandboxStats)
  DOCKERSHIMD_RPC(ListMetricDescriptors)
  DOCKERSHIMD_RPC(ListPodSandboxMetrics)
  // Not in this version:
  DOCKERSHIMD_RPC(Exec)
  DOCKERSHIMD_RPC(Attach)
  DOCKERSHIMD_RPC(PortForward)
  DOCKERSHIMD_RPC(CheckpointContainer)
  DOCKERSHIMD_RPC(CheckpointPod)
  DOCKERSHIMD_RPC(RestorePod)
  DOCKERSHIMD_RPC(UpdatePodSandboxResources)
#undef DOCKERSHIMD_RPC

#define DOCKERSHIMD_STREAM(name, request_type, response_type)                               \
  grpc::Status name(grpc::ServerContext* context, const runtime::v1::request_type* request, \
                    grpc::ServerWriter<runtime::v1::response_type>* writer) override;
  DOCKERSHIMD_STREAM(GetContainerEvents, GetEventsRequest, ContainerEventResponse)
  DOCKERSHIMD_STREAM(StreamPodSandboxes, StreamPodSandboxesRequest, StreamPodSandboxesResponse)
  DOCKERSHIMD_STREAM(StreamContainers, StreamContainersRequest, StreamContainersResponse)
  DOCKERSHIMD_STREAM(StreamContainerStats, StreamContainerStatsRequest,
                     StreamContainerStatsResponse)
  DOCKERSHIMD_STREAM(StreamPodSandboxStats, StreamPodSandboxStatsRequest,
                     StreamPodSandboxStatsResponse)
  DOCKERSHIMD_STREAM(StreamPodSandboxMetrics, StreamPodSandboxMetricsRequest,
                     StreamPodSandboxMetricsResponse)
#undef DOCKERSHIMD_STREAM

 private:
  NodeStatus& node_;
  Sandboxes& sandboxes_;
  Containers& containers_;
  Execs& execs_;
  Stats& stats_;
  RpcObserver observer_;
};

}  // namespace dockershimd::shim::service
