#include "pods.h"

#include <cstdlib>

namespace dockershimd::tests {
namespace {

namespace cri_v1 = runtime::v1;

template <class Response>
base::Status Done(const base::Result<Response>& response) {
  return response ? base::Status() : base::Fail(response.error());
}

}  // namespace

cri_v1::PodSandboxConfig PodConfig(const std::string& name) {
  cri_v1::PodSandboxConfig pod;
  pod.mutable_metadata()->set_name(name);
  pod.mutable_metadata()->set_namespace_("tests");
  pod.mutable_metadata()->set_uid("uid-of-" + name);
  pod.set_hostname(name);
  pod.set_log_directory(std::string(std::getenv("DSD_TEST_STATE")) + "/pod-logs/" + name);
  (*pod.mutable_labels())["io.kubernetes.pod.name"] = name;
  (*pod.mutable_annotations())["note"] = "kept as it is";
  return pod;
}

cri_v1::ContainerConfig SleeperConfig(const std::string& name) {
  cri_v1::ContainerConfig container;
  container.mutable_metadata()->set_name(name);
  container.mutable_image()->set_image(kBusybox);
  for (const char* word :
       {"sh", "-c", "trap 'exit 0' TERM; echo up; while :; do sleep 0.1; done"}) {
    container.add_command(word);
  }
  container.set_log_path(name + ".log");
  return container;
}

base::Result<std::string> RunPod(criclient::Client& cri, const cri_v1::PodSandboxConfig& pod,
                                 const std::string& handler) {
  cri_v1::RunPodSandboxRequest request;
  request.set_runtime_handler(handler);
  *request.mutable_config() = pod;
  const auto response = cri.Call(&Runtime::RunPodSandbox, request);
  if (!response) return base::Fail(response.error());
  return response->pod_sandbox_id();
}

base::Result<std::string> CreateContainer(criclient::Client& cri, const std::string& pod_id,
                                          const cri_v1::PodSandboxConfig& pod,
                                          const cri_v1::ContainerConfig& container) {
  cri_v1::CreateContainerRequest request;
  request.set_pod_sandbox_id(pod_id);
  *request.mutable_sandbox_config() = pod;
  *request.mutable_config() = container;
  const auto response = cri.Call(&Runtime::CreateContainer, request);
  if (!response) return base::Fail(response.error());
  return response->container_id();
}

base::Status StartContainer(criclient::Client& cri, const std::string& id) {
  cri_v1::StartContainerRequest request;
  request.set_container_id(id);
  return Done(cri.Call(&Runtime::StartContainer, request));
}

base::Status StopContainer(criclient::Client& cri, const std::string& id,
                           std::int64_t grace_seconds) {
  cri_v1::StopContainerRequest request;
  request.set_container_id(id);
  request.set_timeout(grace_seconds);
  return Done(cri.Call(&Runtime::StopContainer, request));
}

base::Status RemoveContainer(criclient::Client& cri, const std::string& id) {
  cri_v1::RemoveContainerRequest request;
  request.set_container_id(id);
  return Done(cri.Call(&Runtime::RemoveContainer, request));
}

base::Status StopPod(criclient::Client& cri, const std::string& id) {
  cri_v1::StopPodSandboxRequest request;
  request.set_pod_sandbox_id(id);
  return Done(cri.Call(&Runtime::StopPodSandbox, request));
}

base::Status RemovePod(criclient::Client& cri, const std::string& id) {
  cri_v1::RemovePodSandboxRequest request;
  request.set_pod_sandbox_id(id);
  return Done(cri.Call(&Runtime::RemovePodSandbox, request));
}

base::Result<cri_v1::PodSandboxStatus> PodStatus(criclient::Client& cri, const std::string& id) {
  cri_v1::PodSandboxStatusRequest request;
  request.set_pod_sandbox_id(id);
  auto response = cri.Call(&Runtime::PodSandboxStatus, request);
  if (!response) return base::Fail(response.error());
  return response->status();
}

base::Result<cri_v1::ContainerStatus> StatusOf(criclient::Client& cri, const std::string& id) {
  cri_v1::ContainerStatusRequest request;
  request.set_container_id(id);
  auto response = cri.Call(&Runtime::ContainerStatus, request);
  if (!response) return base::Fail(response.error());
  return response->status();
}

base::Result<cri_v1::ExecSyncResponse> Exec(criclient::Client& cri, const std::string& id,
                                            const std::vector<std::string>& command) {
  cri_v1::ExecSyncRequest request;
  request.set_container_id(id);
  for (const auto& word : command) request.add_cmd(word);
  request.set_timeout(10);
  return cri.Call(&Runtime::ExecSync, request);
}

base::Status Pull(criclient::Client& cri, const std::string& image) {
  cri_v1::PullImageRequest request;
  request.mutable_image()->set_image(image);
  return Done(cri.Call(&ImageApi::PullImage, request));
}

}  // namespace dockershimd::tests
