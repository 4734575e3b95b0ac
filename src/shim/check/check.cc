#include "shim/check/check.h"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <string>

#include "dockerapi/client.h"
#include "shim/check/engine.h"
#include "shim/check/kubelet.h"
#include "shim/check/machine.h"
#include "shim/check/pods.h"
#include "shim/network/cni_network.h"
#include "shim/server/listening_socket.h"
#include "shim/settings.h"
#include "shim/translate/labels.h"

namespace dockershimd::shim::check {
namespace {

using base::CallContext;

constexpr std::chrono::seconds kPatience(10);

void Append(Findings more, Findings* all) {
  for (auto& one : more) all->push_back(std::move(one));
}

Finding CheckPrivileges() {
  if (::geteuid() == 0) return {Verdict::kOk, "user", "root"};
  return {Verdict::kFail, "user", "not root", "run as root: pod networks and log files need it"};
}

/// A socket that a running daemon of ours serves is in use as it should be: the caller says which.
Finding CheckListen(const config::Config& config, bool* in_use) {
  const auto path = config::SocketPath(config.listen);
  if (!path) return {Verdict::kFail, "CRI socket", path.error().message, "correct 'listen'"};
  *in_use = server::IsListening(*path);
  if (*in_use) {
    return {Verdict::kOk, "CRI socket",
            *path + " is served already; `dockershimd status` says by whom"};
  }
  std::error_code ignored;
  const auto kind = std::filesystem::symlink_status(*path, ignored).type();
  if (kind != std::filesystem::file_type::not_found && kind != std::filesystem::file_type::socket) {
    return {Verdict::kFail, "CRI socket", *path + " is there and no socket", "remove it"};
  }
  return {Verdict::kOk, "CRI socket", *path + " is free"};
}

/// What Docker is asked, and how it is judged.
class EngineCheck {
 public:
  EngineCheck(const config::Config& config, Findings* findings)
      : config_(config), findings_(findings) {}

  /// The engine's cgroup driver; empty where Docker does not answer.
  std::string Run() {
    const auto path = config::SocketPath(config_.docker);
    if (!path) {
      findings_->push_back({Verdict::kFail, "Docker", path.error().message, "correct 'docker'"});
      return "";
    }
    dockerapi::Client docker({.socket_path = *path, .call_timeout = kPatience});
    const auto context = CallContext::WithTimeout(kPatience);
    const auto api = docker.Negotiate(context);
    if (!api) return NoAnswer(api.error(), *path);
    const auto info = docker.Info(context);
    if (!info) return NoAnswer(info.error(), *path);
    const bool systemd_runs = std::filesystem::exists("/run/systemd/system");
    Append(JudgeEngine(*info, *api, systemd_runs), findings_);
    CheckLogFolder(*info);
    CheckSandboxImage(context, docker);
    CheckPods(context, docker);
    Append(LookAtDisk(info->root_dir), findings_);
    return info->cgroup_driver;
  }

 private:
  std::string NoAnswer(const base::Error& error, const std::string& path) {
    findings_->push_back({Verdict::kFail, "Docker", error.message,
                          fmt::format("see that dockerd runs (systemctl status docker), listens on "
                                      "{} and has API {} or later (20.10)",
                                      path, dockerapi::kOldestApi.ToString())});
    return "";
  }

  void CheckLogFolder(const dockerapi::EngineInfo& info) {
    const auto folder = std::filesystem::path(info.root_dir) / "containers";
    std::error_code error;
    if (std::filesystem::is_directory(folder, error)) {
      findings_->push_back({Verdict::kOk, "container logs", folder.string() + " is readable"});
      return;
    }
    findings_->push_back({Verdict::kWarn, "container logs",
                          folder.string() + " is not readable here: logs come through Docker's "
                                            "API, which costs it CPU",
                          "run dockershimd where it sees Docker's folder"});
  }

  void CheckSandboxImage(const CallContext& context, dockerapi::Client& docker) {
    if (config_.sandbox_image.empty()) {
      findings_->push_back({Verdict::kOk, "sandbox image", "built in, needs no registry"});
      return;
    }
    if (docker.InspectImage(context, config_.sandbox_image)) {
      findings_->push_back({Verdict::kOk, "sandbox image", config_.sandbox_image + " is here"});
      return;
    }
    findings_->push_back({Verdict::kWarn, "sandbox image",
                          config_.sandbox_image + " is not here: the first pod pulls it",
                          "docker pull " + config_.sandbox_image +
                              ", or leave 'sandbox_image' empty for the built-in one"});
  }

  void CheckPods(const CallContext& context, dockerapi::Client& docker) {
    const auto containers = docker.ListContainers(context, {std::string(translate::kTypeLabel)});
    if (containers) {
      findings_->push_back(JudgePods(*containers));
    } else {
      findings_->push_back({Verdict::kFail, "pods", containers.error().message,
                            "see why Docker cannot list containers (docker ps -a)"});
    }
  }

  const config::Config& config_;
  Findings* findings_;
};

Finding CheckNetwork(const config::Config& config) {
  network::CniNetwork cni(CniOptionsOf(config));
  if (config.network == "bridge") {
    return {Verdict::kWarn, "pod network",
            "Docker's bridge: pods of different nodes do not reach each other",
            "with more than one node, install a CNI network and set network = \"cni\""};
  }
  if (config.network == "auto" && !cni.HasConfiguration()) {
    return {Verdict::kWarn, "pod network",
            "Docker's bridge, since " + config.cni_conf_dir +
                " holds no CNI configuration: pods of different nodes do not reach each other",
            "with more than one node, install a CNI network; network = \"cni\" makes pods wait for "
            "it"};
  }
  const auto condition = cni.Condition(CallContext::WithTimeout(kPatience));
  if (condition.ready) {
    return {Verdict::kOk, "pod network", "CNI configuration in " + config.cni_conf_dir};
  }
  return {Verdict::kFail, "pod network", condition.message,
          fmt::format("network add-ons write {} and put plugins into {}; Debian has the reference "
                      "plugins in containernetworking-plugins",
                      config.cni_conf_dir, fmt::join(config.cni_bin_dir, " or "))};
}

}  // namespace

Findings CheckNode(const config::Config& config) {
  Findings findings = {CheckPrivileges()};
  bool served = false;
  findings.push_back(CheckListen(config, &served));
  // Where a daemon of ours serves, it has these ports itself.
  if (!served) {
    Append(LookAtPort("stream address", config.stream_address), &findings);
    Append(LookAtPort("metrics address", config.metrics_address), &findings);
  }
  const std::string driver = EngineCheck(config, &findings).Run();
  findings.push_back(CheckNetwork(config));
  Append(JudgeKubelet(FindKubelet("/"), driver, config.listen), &findings);
  Append(LookForRuntimes("/"), &findings);
  Append(LookAtKernel("/"), &findings);
  Append(LookAtDisk("/var/log"), &findings);
  return findings;
}

}  // namespace dockershimd::shim::check
