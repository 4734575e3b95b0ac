#pragma once

#include <utility>

#include "cri/runtime/v1/api.grpc.pb.h"
#include "shim/service/containers.h"
#include "shim/service/event_streams.h"
#include "shim/service/exec.h"
#include "shim/service/node_status.h"
#include "shim/service/rpc.h"
#include "shim/service/sandboxes.h"
#include "shim/service/stats.h"
#include "shim/service/streaming.h"

namespace dockershimd::shim::service {

/// Calls have a thread each while they run; streams of events, which never end, have none.
using RuntimeServiceBase = runtime::v1::RuntimeService::WithCallbackMethod_GetContainerEvents<
    runtime::v1::RuntimeService::Service>;

/// runtime.v1.RuntimeService: each RPC leads to the noun that answers it. RPCs that this version
/// does not have answer UNIMPLEMENTED with their name.
class RuntimeRpcs final : public RuntimeServiceBase {
 public:
  RuntimeRpcs(NodeStatus& node, Sandboxes& sandboxes, Containers& containers, Execs& execs,
              Stats& stats, Streaming& streaming, EventStreams& events, RpcObserver observer)
      : node_(node),
        sandboxes_(sandboxes),
        containers_(containers),
        execs_(execs),
        stats_(stats),
        streaming_(streaming),
        events_(events),
        observer_(std::move(observer)) {}

  grpc::ServerWriteReactor<runtime::v1::ContainerEventResponse>* GetContainerEvents(
      grpc::CallbackServerContext*, const runtime::v1::GetEventsRequest*) override {
    return events_.Listen();
  }

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
  DOCKERSHIMD_RPC(Exec)
  DOCKERSHIMD_RPC(Attach)
  DOCKERSHIMD_RPC(PortForward)
  DOCKERSHIMD_RPC(ContainerStats)
  DOCKERSHIMD_RPC(ListContainerStats)
  DOCKERSHIMD_RPC(PodSandboxStats)
  DOCKERSHIMD_RPC(ListPodSandboxStats)
  DOCKERSHIMD_RPC(ListMetricDescriptors)
  DOCKERSHIMD_RPC(ListPodSandboxMetrics)
  // Not in this version:
  DOCKERSHIMD_RPC(CheckpointContainer)
  DOCKERSHIMD_RPC(CheckpointPod)
  DOCKERSHIMD_RPC(RestorePod)
  DOCKERSHIMD_RPC(UpdatePodSandboxResources)
#undef DOCKERSHIMD_RPC

#define DOCKERSHIMD_STREAM(name)                                                             \
  grpc::Status name(grpc::ServerContext* context, const runtime::v1::name##Request* request, \
                    grpc::ServerWriter<runtime::v1::name##Response>* writer) override;
  DOCKERSHIMD_STREAM(StreamPodSandboxes)
  DOCKERSHIMD_STREAM(StreamContainers)
  DOCKERSHIMD_STREAM(StreamContainerStats)
  DOCKERSHIMD_STREAM(StreamPodSandboxStats)
  DOCKERSHIMD_STREAM(StreamPodSandboxMetrics)
#undef DOCKERSHIMD_STREAM

 private:
  NodeStatus& node_;
  Sandboxes& sandboxes_;
  Containers& containers_;
  Execs& execs_;
  Stats& stats_;
  Streaming& streaming_;
  EventStreams& events_;
  RpcObserver observer_;
};

}  // namespace dockershimd::shim::service
