#include "shim/check/engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace dockershimd::shim::check {
namespace {

using dockerapi::EngineInfo;

Finding JudgeCgroups(const EngineInfo& info, bool systemd_runs) {
  const std::string version = info.cgroup_version.empty() ? "1" : info.cgroup_version;
  const auto found = fmt::format("v{}, driver {}", version, info.cgroup_driver);
  if (info.cgroup_driver != "cgroupfs" && info.cgroup_driver != "systemd") {
    return {Verdict::kFail, "cgroups", found,
            "set \"exec-opts\": [\"native.cgroupdriver=systemd\"] (or cgroupfs) in Docker's "
            "daemon.json: pods need cgroups"};
  }
  if (systemd_runs && info.cgroup_driver == "cgroupfs") {
    return {Verdict::kWarn, "cgroups", found,
            "systemd runs here: with no pods on the node, set \"exec-opts\": "
            "[\"native.cgroupdriver=systemd\"] in Docker's daemon.json and cgroupDriver: systemd "
            "in kubelet's configuration, lest two managers share the tree"};
  }
  if (version == "1") {
    return {Verdict::kWarn, "cgroups", found,
            "Kubernetes 1.35 and later start on cgroup v1 only with failCgroupV1: false in "
            "kubelet's configuration; boot with cgroup v2 when you can"};
  }
  return {Verdict::kOk, "cgroups", found};
}

Finding JudgeStorage(const EngineInfo& info) {
  constexpr std::array<std::string_view, 6> kGood = {"overlay2", "overlayfs", "btrfs",
                                                     "zfs",      "stargz",    "native"};
  if (std::find(kGood.begin(), kGood.end(), info.storage_driver) != kGood.end()) {
    return {Verdict::kOk, "storage", info.storage_driver};
  }
  return {Verdict::kWarn, "storage", info.storage_driver,
          "this storage driver is slow or no longer maintained; Docker recommends overlay2"};
}

Finding JudgeLogging(const EngineInfo& info) {
  if (info.logging_driver == "json-file") {
    return {Verdict::kOk, "log driver", info.logging_driver};
  }
  // Pods get json-file whatever the default is.
  return {Verdict::kOk, "log driver",
          info.logging_driver + " by default; containers of pods get json-file"};
}

Finding JudgeLiveRestore(const EngineInfo& info) {
  if (info.live_restore) return {Verdict::kOk, "live restore", "on"};
  return {Verdict::kWarn, "live restore", "off: a restart of dockerd ends all pods",
          "set \"live-restore\": true in Docker's daemon.json and reload Docker (not with Swarm, "
          "which cannot have it)"};
}

Finding JudgeSeccomp(const EngineInfo& info) {
  const bool seccomp =
      std::any_of(info.security_options.begin(), info.security_options.end(),
                  [](const std::string& option) { return option.starts_with("name=seccomp"); });
  if (seccomp) return {Verdict::kOk, "seccomp", "on"};
  return {Verdict::kWarn, "seccomp", "off in Docker: seccomp profiles of pods are not applied",
          "use a kernel and a Docker with seccomp"};
}

}  // namespace

Findings JudgeEngine(const EngineInfo& info, dockerapi::ApiVersion api, bool systemd_runs) {
  return {{Verdict::kOk, "Docker",
           fmt::format("version {}, API {}", info.server_version, api.ToString())},
          JudgeCgroups(info, systemd_runs),
          JudgeStorage(info),
          JudgeLogging(info),
          JudgeLiveRestore(info),
          JudgeSeccomp(info)};
}

}  // namespace dockershimd::shim::check
