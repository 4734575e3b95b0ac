#include "reads.h"

#include <fmt/format.h>

#include <functional>

namespace dockershimd::bench {
namespace {

namespace cri = runtime::v1;
using Runtime = cri::RuntimeService::StubInterface;
using ImageApi = cri::ImageService::StubInterface;

/// A call without a word on its answer.
template <class Stub, class Request, class Response>
base::Result<std::string> Plain(Subject& subject,
                                grpc::Status (Stub::*rpc)(grpc::ClientContext*, const Request&,
                                                          Response*),
                                const Request& request) {
  const auto answer = subject.client.Call(rpc, request);
  if (!answer) return base::Fail(answer.error());
  return std::string();
}

/// A call on all pods, with how many of them are in the answer.
template <class Request, class Response, class Count>
MeasuredCall Counted(grpc::Status (Runtime::*rpc)(grpc::ClientContext*, const Request&, Response*),
                     Count count) {
  return [=](Subject& subject) -> base::Result<std::string> {
    const auto answer = subject.client.Call(rpc, Request());
    if (!answer) return base::Fail(answer.error());
    return fmt::format("{} of {}", std::invoke(count, *answer), subject.pods.size());
  };
}

base::Result<std::string> AskSandboxStatus(Subject& subject) {
  cri::PodSandboxStatusRequest request;
  request.set_pod_sandbox_id(subject.AnyPod().sandbox_id);
  return Plain(subject, &Runtime::PodSandboxStatus, request);
}

base::Result<std::string> AskContainerStatus(Subject& subject) {
  cri::ContainerStatusRequest request;
  request.set_container_id(subject.AnyPod().container_id);
  return Plain(subject, &Runtime::ContainerStatus, request);
}

base::Result<std::string> AskImageStatus(Subject& subject) {
  cri::ImageStatusRequest request;
  request.mutable_image()->set_image(kImage);
  return Plain(subject, &ImageApi::ImageStatus, request);
}

base::Result<std::string> Probe(Subject& subject) {
  cri::ExecSyncRequest request;
  request.set_container_id(subject.AnyPod().container_id);
  request.add_cmd("true");
  request.set_timeout(10);
  return Plain(subject, &Runtime::ExecSync, request);
}

}  // namespace

std::string FigureOf(const std::string& read, int pods) {
  return fmt::format("{} at {} pods, ms", read, pods);
}

std::vector<Read> Lists() {
  return {
      {"ListPodSandbox",
       Counted(&Runtime::ListPodSandbox, &cri::ListPodSandboxResponse::items_size)},
      {"ListContainers",
       Counted(&Runtime::ListContainers, &cri::ListContainersResponse::containers_size)},
      {"PodSandboxStatus", AskSandboxStatus},
      {"ContainerStatus", AskContainerStatus},
  };
}

std::vector<Read> OtherReads() {
  const auto list_images = [](Subject& subject) {
    return Plain(subject, &ImageApi::ListImages, cri::ListImagesRequest());
  };
  const auto image_fs = [](Subject& subject) {
    return Plain(subject, &ImageApi::ImageFsInfo, cri::ImageFsInfoRequest());
  };
  const auto status = [](Subject& subject) {
    return Plain(subject, &Runtime::Status, cri::StatusRequest());
  };
  return {
      {"ListImages", list_images},
      {"ImageStatus", AskImageStatus},
      {"ListContainerStats",
       Counted(&Runtime::ListContainerStats, &cri::ListContainerStatsResponse::stats_size)},
      {"ListPodSandboxStats",
       Counted(&Runtime::ListPodSandboxStats, &cri::ListPodSandboxStatsResponse::stats_size)},
      {"ListPodSandboxMetrics", Counted(&Runtime::ListPodSandboxMetrics,
                                        &cri::ListPodSandboxMetricsResponse::pod_metrics_size)},
      {"ImageFsInfo", image_fs},
      {"Status", status},
      {"ExecSync of true", Probe},
  };
}

}  // namespace dockershimd::bench
