#include "shim/service/runtime_rpcs.h"

#include "shim/service/list_stream.h"
#include "shim/service/rpc.h"

namespace dockershimd::shim::service {
namespace {

using base::CallContext;
using grpc::ServerContext;
using grpc::ServerWriter;

template <class Response>
base::Result<Response> NoCheckpoints() {
  return base::Fail(
      base::Code::kUnimplemented,
      "Docker keeps checkpoints (experimental, with CRIU) in a form of its own and "
      "cannot make or read the archive of CRI; use \"docker checkpoint\" on the node");
}

template <class Answer>
std::invoke_result_t<Answer> OncePodsAreKnown(const NodeStatus& node, Answer answer) {
  if (auto known = node.PodsKnown(); !known) return base::Fail(known.error());
  return answer();
}

base::Result<runtime::v1::ReopenContainerLogResponse> ReopenLog(
    const NodeStatus& node, Containers& containers,
    const runtime::v1::ReopenContainerLogRequest& asked) {
  if (!node.PodsKnown() && containers.ReopenFollowedLog(asked.container_id())) {
    return runtime::v1::ReopenContainerLogResponse();
  }
  return OncePodsAreKnown(node, [&] { return containers.ReopenLog(asked); });
}

}  // namespace

// One line per RPC is all there is to say; the macros say it once.
#define DOCKERSHIMD_ALWAYS(name, answer)                                                   \
  grpc::Status RuntimeRpcs::name(ServerContext* context,                                   \
                                 const runtime::v1::name##Request* request,                \
                                 runtime::v1::name##Response* response) {                  \
    return Serve(                                                                          \
        observer_, #name, context, *request, response,                                     \
        [&]([[maybe_unused]] const CallContext& call,                                      \
            [[maybe_unused]] const runtime::v1::name##Request& asked) { return answer; }); \
  }
#define DOCKERSHIMD_SERVE(name, answer) \
  DOCKERSHIMD_ALWAYS(name, OncePodsAreKnown(node_, [&] { return answer; }))
// A stream of a list: the items of the list call, whose request has the same filter.
#define DOCKERSHIMD_SERVE_STREAM(name, answer)                                         \
  grpc::Status RuntimeRpcs::name(ServerContext* context,                               \
                                 const runtime::v1::name##Request* request,            \
                                 ServerWriter<runtime::v1::name##Response>* writer) {  \
    return ServeStream(observer_, #name, context, *request, writer,                    \
                       [&]([[maybe_unused]] const CallContext& call,                   \
                           [[maybe_unused]] const runtime::v1::name##Request& asked) { \
                         return OncePodsAreKnown(node_, [&] { return answer; });       \
                       });                                                             \
  }

DOCKERSHIMD_ALWAYS(Version, node_.Version())
DOCKERSHIMD_ALWAYS(Status, node_.Status(call, asked))
DOCKERSHIMD_ALWAYS(RuntimeConfig, node_.RuntimeConfig())
DOCKERSHIMD_SERVE(UpdateRuntimeConfig, node_.UpdateRuntimeConfig(asked))

DOCKERSHIMD_SERVE(RunPodSandbox, sandboxes_.Run(call, asked))
DOCKERSHIMD_SERVE(StopPodSandbox, sandboxes_.Stop(call, asked))
DOCKERSHIMD_SERVE(RemovePodSandbox, sandboxes_.Remove(call, asked))
DOCKERSHIMD_SERVE(PodSandboxStatus, sandboxes_.Status(asked))
DOCKERSHIMD_SERVE(ListPodSandbox, sandboxes_.List(asked))
DOCKERSHIMD_SERVE(UpdatePodSandboxResources, sandboxes_.UpdateResources(asked))

DOCKERSHIMD_SERVE(CreateContainer, containers_.Create(call, asked))
DOCKERSHIMD_SERVE(StartContainer, containers_.Start(call, asked))
DOCKERSHIMD_SERVE(StopContainer, containers_.Stop(call, asked))
DOCKERSHIMD_SERVE(RemoveContainer, containers_.Remove(call, asked))
DOCKERSHIMD_SERVE(ListContainers, containers_.List(asked))
DOCKERSHIMD_SERVE(ContainerStatus, containers_.Status(asked))
DOCKERSHIMD_SERVE(UpdateContainerResources, containers_.UpdateResources(call, asked))
DOCKERSHIMD_ALWAYS(ReopenContainerLog, ReopenLog(node_, containers_, asked))

DOCKERSHIMD_SERVE(ExecSync, execs_.Sync(call, asked))
DOCKERSHIMD_SERVE(Exec, streaming_.Exec(asked))
DOCKERSHIMD_SERVE(Attach, streaming_.Attach(asked))
DOCKERSHIMD_SERVE(PortForward, streaming_.PortForward(asked))

DOCKERSHIMD_SERVE(ContainerStats, stats_.Container(asked))
DOCKERSHIMD_SERVE(ListContainerStats, stats_.ListContainers(asked))
DOCKERSHIMD_SERVE(PodSandboxStats, stats_.Pod(asked))
DOCKERSHIMD_SERVE(ListPodSandboxStats, stats_.ListPods(asked))
DOCKERSHIMD_SERVE(ListMetricDescriptors, stats_.MetricDescriptors())
DOCKERSHIMD_SERVE(ListPodSandboxMetrics, stats_.ListMetrics())

DOCKERSHIMD_ALWAYS(CheckpointContainer, NoCheckpoints<runtime::v1::CheckpointContainerResponse>())
DOCKERSHIMD_ALWAYS(CheckpointPod, NoCheckpoints<runtime::v1::CheckpointPodResponse>())
DOCKERSHIMD_ALWAYS(RestorePod, NoCheckpoints<runtime::v1::RestorePodResponse>())

DOCKERSHIMD_SERVE_STREAM(StreamPodSandboxes,
                         sandboxes_.List(ListRequest<runtime::v1::ListPodSandboxRequest>(asked)))
DOCKERSHIMD_SERVE_STREAM(StreamContainers,
                         containers_.List(ListRequest<runtime::v1::ListContainersRequest>(asked)))
DOCKERSHIMD_SERVE_STREAM(
    StreamContainerStats,
    stats_.ListContainers(ListRequest<runtime::v1::ListContainerStatsRequest>(asked)))
DOCKERSHIMD_SERVE_STREAM(
    StreamPodSandboxStats,
    stats_.ListPods(ListRequest<runtime::v1::ListPodSandboxStatsRequest>(asked)))
DOCKERSHIMD_SERVE_STREAM(StreamPodSandboxMetrics, stats_.ListMetrics())

#undef DOCKERSHIMD_ALWAYS
#undef DOCKERSHIMD_SERVE
#undef DOCKERSHIMD_SERVE_STREAM

}  // namespace dockershimd::shim::service
