#include "compare/session.h"

#include <fmt/format.h>

#include <condition_variable>
#include <iostream>
#include <mutex>
#include <sstream>
#include <system_error>

#include "base/file.h"
#include "compare/clean_up.h"
#include "compare/scenario.h"

namespace dockershimd::compare {
namespace {

/// How often a condition is looked at.
constexpr std::chrono::milliseconds kPoll(20);
/// No kubelet asks for pods of this namespace.
constexpr const char* kNamespace = "cri-compare";

void Append(const std::vector<std::string>& words,
            google::protobuf::RepeatedPtrField<std::string>* list) {
  for (const auto& word : words) *list->Add() = word;
}

}  // namespace

Session::Session(Endpoint& endpoint, const Settings& settings, std::stop_token stop)
    : endpoint_(endpoint),
      settings_(settings),
      stop_(std::move(stop)),
      tag_(settings.run + "-" + endpoint.Side()),
      folder_(settings.folder / endpoint.Side()) {
  Name(tag_, "<run>");
  Name(folder_.string(), "<folder>");
}

Session::~Session() {
  for (auto pod = pods_.rbegin(); pod != pods_.rend(); ++pod) {
    if (auto removed = compare::RemovePod(endpoint_, pod->id); !removed) {
      std::cerr << "cri-compare: " << removed.error().message
                << "; cri-compare --clean removes it\n";
    }
  }
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

cri::PodSandboxConfig Session::PodConfig(const std::string& name) {
  cri::PodSandboxConfig config;
  config.mutable_metadata()->set_name(fmt::format("{}-{}", name, tag_));
  config.mutable_metadata()->set_uid(fmt::format("{}-{}-uid", name, tag_));
  config.mutable_metadata()->set_namespace_(kNamespace);
  config.set_hostname(name);
  config.set_log_directory(Folder("logs-" + name).string());
  config.mutable_linux()->set_cgroup_parent(settings_.cgroup_parent);
  // As kubelet asks for it unless a pod wants to share its processes.
  config.mutable_linux()->mutable_security_context()->mutable_namespace_options()->set_pid(
      cri::CONTAINER);
  (*config.mutable_labels())[kOwnerLabel] = kOwner;
  (*config.mutable_labels())["cri-compare/run"] = tag_;
  (*config.mutable_labels())["cri-compare/pod"] = name;
  return config;
}

cri::ContainerConfig Session::Command(const std::string& name,
                                      const std::vector<std::string>& argv) {
  cri::ContainerConfig config;
  config.mutable_metadata()->set_name(name);
  config.mutable_image()->set_image(settings_.image);
  config.set_log_path(name + ".log");
  Append(argv, config.mutable_command());
  config.mutable_linux()->mutable_security_context()->mutable_namespace_options()->set_pid(
      cri::CONTAINER);
  (*config.mutable_labels())["cri-compare/container"] = name;
  return config;
}

cri::ContainerConfig Session::Shell(const std::string& name, const std::string& script) {
  return Command(name, {"sh", "-c", script});
}

cri::ContainerConfig Session::Sleeper(const std::string& name) {
  return Shell(name, "trap 'exit 0' TERM; echo up; sleep 86400 & wait");
}

base::Result<Pod> Session::TryRunPod(const cri::PodSandboxConfig& config,
                                     const std::string& runtime_handler) {
  cri::RunPodSandboxRequest request;
  *request.mutable_config() = config;
  request.set_runtime_handler(runtime_handler);
  auto answer = Try(&Runtime::RunPodSandbox, request);
  if (!answer) return base::Fail(answer.error());
  pods_.push_back({answer->pod_sandbox_id(), config});
  Name(answer->pod_sandbox_id(), fmt::format("<pod {}>", config.hostname()));
  return pods_.back();
}

base::Result<std::string> Session::TryCreate(const Pod& pod, const cri::ContainerConfig& config) {
  cri::CreateContainerRequest request;
  request.set_pod_sandbox_id(pod.id);
  *request.mutable_config() = config;
  *request.mutable_sandbox_config() = pod.config;
  auto answer = Try(&Runtime::CreateContainer, request);
  if (!answer) return base::Fail(answer.error());
  Name(answer->container_id(), fmt::format("<container {}>", config.metadata().name()));
  return answer->container_id();
}

base::Result<cri::StartContainerResponse> Session::TryStart(const std::string& container) {
  cri::StartContainerRequest request;
  request.set_container_id(container);
  return Try(&Runtime::StartContainer, request);
}

Pod Session::RunPod(const cri::PodSandboxConfig& config) {
  return Need("RunPodSandbox", TryRunPod(config, settings_.runtime_handler));
}

std::string Session::Create(const Pod& pod, const cri::ContainerConfig& config) {
  return Need("CreateContainer " + config.metadata().name(), TryCreate(pod, config));
}

void Session::Start(const std::string& container) {
  (void)Need("StartContainer", TryStart(container));
}

std::string Session::Run(const Pod& pod, const cri::ContainerConfig& config) {
  auto id = Create(pod, config);
  (void)Need("StartContainer " + config.metadata().name(), TryStart(id));
  return id;
}

void Session::Stop(const std::string& container, std::chrono::seconds grace) {
  cri::StopContainerRequest request;
  request.set_container_id(container);
  request.set_timeout(grace.count());
  (void)Ask("StopContainer", &Runtime::StopContainer, request);
}

void Session::Remove(const std::string& container) {
  cri::RemoveContainerRequest request;
  request.set_container_id(container);
  (void)Ask("RemoveContainer", &Runtime::RemoveContainer, request);
}

void Session::StopPod(const Pod& pod) {
  cri::StopPodSandboxRequest request;
  request.set_pod_sandbox_id(pod.id);
  (void)Ask("StopPodSandbox", &Runtime::StopPodSandbox, request);
}

void Session::RemovePod(const Pod& pod) {
  cri::RemovePodSandboxRequest request;
  request.set_pod_sandbox_id(pod.id);
  (void)Ask("RemovePodSandbox", &Runtime::RemovePodSandbox, request);
}

cri::ContainerStatusResponse Session::Status(const std::string& container) {
  cri::ContainerStatusRequest request;
  request.set_container_id(container);
  request.set_verbose(true);
  return Ask("ContainerStatus", &Runtime::ContainerStatus, request);
}

cri::PodSandboxStatusResponse Session::PodStatus(const Pod& pod) {
  cri::PodSandboxStatusRequest request;
  request.set_pod_sandbox_id(pod.id);
  request.set_verbose(true);
  return Ask("PodSandboxStatus", &Runtime::PodSandboxStatus, request);
}

cri::ContainerStatusResponse Session::WaitForEnd(const std::string& container) {
  cri::ContainerStatusResponse status;
  const bool ended = WaitUntil(
      [&] {
        status = Status(container);
        return status.status().state() == cri::CONTAINER_EXITED;
      },
      std::chrono::seconds(60));
  if (!ended) EndFor("the container ends", {base::Code::kDeadlineExceeded, "still running", {}});
  return status;
}

base::Result<cri::ExecSyncResponse> Session::TryExec(const std::string& container,
                                                     const std::vector<std::string>& argv,
                                                     std::chrono::seconds timeout) {
  cri::ExecSyncRequest request;
  request.set_container_id(container);
  Append(argv, request.mutable_cmd());
  request.set_timeout(timeout.count());
  return Try(&Runtime::ExecSync, request);
}

std::string Session::Output(const std::string& container, const std::string& script) {
  auto text = Need("ExecSync", TryExec(container, {"sh", "-c", script})).stdout();
  if (text.ends_with('\n')) text.pop_back();
  return text;
}

std::string Session::OutputOf(const Pod& pod, const cri::ContainerConfig& config) {
  const auto container = Run(pod, config);
  (void)WaitForEnd(container);
  // The log may be complete a moment later than the process has ended.
  (void)WaitUntil([&] { return !Log(pod, config).empty(); }, std::chrono::seconds(5));
  std::istringstream lines(Log(pod, config));
  std::string text;
  // "<time> <stream> <tag> <text>"
  for (std::string time, stream, tag, rest; lines >> time >> stream >> tag;) {
    lines.ignore(1);
    std::getline(lines, rest);
    text += (text.empty() ? "" : "\n") + rest;
  }
  return text;
}

std::string Session::Log(const Pod& pod, const cri::ContainerConfig& config) const {
  const auto path = std::filesystem::path(pod.config.log_directory()) / config.log_path();
  return base::ReadFile(path).value_or("");
}

bool Session::WaitForLog(const Pod& pod, const cri::ContainerConfig& config,
                         const std::string& text) {
  return WaitUntil([&] { return Log(pod, config).find(text) != std::string::npos; });
}

void Session::Verify(const std::string& name, bool holds, const std::string& detail) {
  findings_.checks.push_back({name, holds ? Outcome::kPass : Outcome::kFail, detail});
}

void Session::Observe(const std::string& name, const std::string& value) {
  findings_.observations.push_back({name, {{name, Renamed(value, names_)}}});
}

void Session::Record(const std::string& moment, const google::protobuf::Message& answer) {
  findings_.observations.push_back({moment, Normalized(Flatten(answer), names_, Rules())});
}

std::filesystem::path Session::Folder(const std::string& name) {
  auto folder = folder_ / name;
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) EndFor("folder " + name, {base::Code::kInternal, error.message(), {}});
  return folder;
}

const std::string& Session::RestartCommand() const {
  return endpoint_.Side() == "left" ? settings_.restart_left : settings_.restart_right;
}

void Session::EndFor(const std::string& name, const base::Error& error) {
  // What a stop cut off says nothing about the runtime.
  if (!stop_.stop_requested()) {
    const bool unsupported = error.code == base::Code::kUnimplemented;
    findings_.checks.push_back(
        {kRunsToItsEnd, unsupported ? Outcome::kUnsupported : Outcome::kFail,
         fmt::format("{}: {}: {}", name, base::CodeName(error.code), error.message)});
  }
  throw ScenarioEnded();
}

void Session::Pause() {
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  never.wait_for(lock, stop_, kPoll, [] { return false; });
  if (stop_.stop_requested()) throw ScenarioEnded();
}

}  // namespace dockershimd::compare
