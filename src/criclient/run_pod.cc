// Runs one pod through CRI, step by step, and prints what came back and how long it took.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <string>
#include <thread>

#include "base/encoding.h"
#include "base/file.h"
#include "criclient/client.h"

namespace dockershimd::criclient {
namespace {

namespace cri = runtime::v1;
using Runtime = cri::RuntimeService::StubInterface;
using ImageApi = cri::ImageService::StubInterface;

struct Options {
  std::string endpoint;
  std::string image;
  std::string log_directory;
  bool keep = false;
};

/// Runs the steps; the first that fails ends the run, after what was made has been removed.
class PodRun {
 public:
  explicit PodRun(Options options) : options_(std::move(options)), client_(options_.endpoint) {}

  bool Run() {
    const bool ran = Look() && StartPod() && UseContainer();
    if (options_.keep && ran) {
      std::cout << fmt::format("kept: pod {}, container {}\n", sandbox_id_, container_id_);
      return true;
    }
    return Remove() && ran;
  }

 private:
  /// One call and its line: name, time, and what `describe` makes of the answer.
  template <class Stub, class Request, class Response, class Describe>
  bool Step(const char* name,
            grpc::Status (Stub::*rpc)(grpc::ClientContext*, const Request&, Response*),
            const Request& request, Describe describe) {
    const auto start = std::chrono::steady_clock::now();
    const auto response = client_.Call(rpc, request);
    const double milliseconds =
        std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
    const std::string text =
        response ? std::string(describe(*response))
                 : fmt::format("FAILED, {}: {}", base::CodeName(response.error().code),
                               response.error().message);
    std::cout << fmt::format("{:<17} {:>8.1f} ms  {}\n", name, milliseconds, text) << std::flush;
    return response.has_value();
  }

  bool Look() {
    cri::ImageStatusRequest image;
    image.mutable_image()->set_image(options_.image);
    return Step("Version", &Runtime::Version, cri::VersionRequest(),
                [](const cri::VersionResponse& answer) {
                  return fmt::format("{} {}, CRI {}", answer.runtime_name(),
                                     answer.runtime_version(), answer.runtime_api_version());
                }) &&
           Step("Status", &Runtime::Status, cri::StatusRequest(), DescribeStatus) &&
           Step("ImageStatus", &ImageApi::ImageStatus, image,
                [&](const cri::ImageStatusResponse& answer) {
                  return fmt::format("{}, {} bytes", answer.image().id(), answer.image().size());
                });
  }

  static std::string DescribeStatus(const cri::StatusResponse& answer) {
    std::string text;
    for (const auto& condition : answer.status().conditions()) {
      text += fmt::format("{}{}={} {}", text.empty() ? "" : ", ", condition.type(),
                          condition.status(), condition.message());
    }
    return text;
  }

  bool StartPod() {
    pod_.mutable_metadata()->set_name("hello");
    pod_.mutable_metadata()->set_namespace_("default");
    pod_.mutable_metadata()->set_uid(base::RandomHex(16));
    pod_.set_hostname("hello");
    pod_.set_log_directory(options_.log_directory);
    (*pod_.mutable_labels())["app"] = "hello";
    cri::RunPodSandboxRequest request;
    *request.mutable_config() = pod_;
    if (!Step("RunPodSandbox", &Runtime::RunPodSandbox, request,
              [&](const cri::RunPodSandboxResponse& answer) {
                sandbox_id_ = answer.pod_sandbox_id();
                return "pod default/hello is " + sandbox_id_;
              })) {
      return false;
    }
    cri::PodSandboxStatusRequest status;
    status.set_pod_sandbox_id(sandbox_id_);
    return Step("PodSandboxStatus", &Runtime::PodSandboxStatus, status,
                [](const cri::PodSandboxStatusResponse& answer) {
                  return fmt::format("{}, the pod's IP is {}",
                                     cri::PodSandboxState_Name(answer.status().state()),
                                     answer.status().network().ip());
                });
  }

  bool UseContainer() {
    cri::CreateContainerRequest create;
    create.set_pod_sandbox_id(sandbox_id_);
    *create.mutable_sandbox_config() = pod_;
    auto& config = *create.mutable_config();
    config.mutable_metadata()->set_name("main");
    config.mutable_image()->set_image(options_.image);
    config.set_log_path("main.log");
    for (const char* word :
         {"sh", "-c", "echo hello from a pod; trap 'exit 0' TERM; while :; do sleep 0.1; done"}) {
      config.add_command(word);
    }
    if (!Step("CreateContainer", &Runtime::CreateContainer, create,
              [&](const cri::CreateContainerResponse& answer) {
                container_id_ = answer.container_id();
                return "container main is " + container_id_;
              })) {
      return false;
    }
    cri::StartContainerRequest start;
    start.set_container_id(container_id_);
    cri::ExecSyncRequest exec;
    exec.set_container_id(container_id_);
    for (const char* word : {"cat", "/etc/hostname"}) exec.add_cmd(word);
    exec.set_timeout(10);
    cri::ContainerStatusRequest status;
    status.set_container_id(container_id_);
    return Step("StartContainer", &Runtime::StartContainer, start,
                [](const cri::StartContainerResponse&) { return "started"; }) &&
           ReadLog() &&
           Step("ExecSync", &Runtime::ExecSync, exec,
                [](const cri::ExecSyncResponse& answer) {
                  return fmt::format("cat /etc/hostname printed '{}', exit code {}",
                                     FirstLine(answer.stdout()), answer.exit_code());
                }) &&
           Step("ContainerStatus", &Runtime::ContainerStatus, status,
                [](const cri::ContainerStatusResponse& answer) {
                  return fmt::format("{}, log {}",
                                     cri::ContainerState_Name(answer.status().state()),
                                     answer.status().log_path());
                });
  }

  static std::string FirstLine(const std::string& text) { return text.substr(0, text.find('\n')); }

  /// The container's first line, from the file that kubelet would read.
  bool ReadLog() const {
    const auto path = std::filesystem::path(options_.log_directory) / "main.log";
    const auto start = std::chrono::steady_clock::now();
    while (std::chrono::steady_clock::now() - start < std::chrono::seconds(10)) {
      const auto text = base::ReadFile(path);
      if (text && text->find('\n') != std::string::npos) {
        std::cout << fmt::format("{:<17} {:>11}  {}\n", "log", "", FirstLine(*text));
        return true;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    std::cout << "log               FAILED: nothing in " << path.string() << " after 10 s\n";
    return false;
  }

  bool Remove() {
    bool removed = true;
    if (!container_id_.empty()) {
      cri::StopContainerRequest stop;
      stop.set_container_id(container_id_);
      stop.set_timeout(10);
      cri::RemoveContainerRequest remove;
      remove.set_container_id(container_id_);
      removed = Step("StopContainer", &Runtime::StopContainer, stop,
                     [](const cri::StopContainerResponse&) { return "stopped"; }) &&
                Step("RemoveContainer", &Runtime::RemoveContainer, remove,
                     [](const cri::RemoveContainerResponse&) { return "removed"; });
    }
    if (sandbox_id_.empty()) return removed;
    cri::StopPodSandboxRequest stop;
    stop.set_pod_sandbox_id(sandbox_id_);
    cri::RemovePodSandboxRequest remove;
    remove.set_pod_sandbox_id(sandbox_id_);
    return Step("StopPodSandbox", &Runtime::StopPodSandbox, stop,
                [](const cri::StopPodSandboxResponse&) { return "stopped"; }) &&
           Step("RemovePodSandbox", &Runtime::RemovePodSandbox, remove,
                [](const cri::RemovePodSandboxResponse&) { return "removed"; }) &&
           removed;
  }

  Options options_;
  Client client_;
  cri::PodSandboxConfig pod_;
  std::string sandbox_id_;
  std::string container_id_;
};

}  // namespace
}  // namespace dockershimd::criclient

int main(int argc, char** argv) {
  dockershimd::criclient::Options options;
  CLI::App app("Runs one pod through CRI and prints each step.", "cri-run-pod");
  app.add_option("--endpoint", options.endpoint, "CRI endpoint, unix:///...")->required();
  app.add_option("--image", options.image, "an image that is on the node and has a shell")
      ->required();
  app.add_option("--log-directory", options.log_directory, "folder for the container's log")
      ->required();
  app.add_flag("--keep", options.keep, "leave the pod running");
  CLI11_PARSE(app, argc, argv);
  return dockershimd::criclient::PodRun(options).Run() ? EXIT_SUCCESS : EXIT_FAILURE;
}
