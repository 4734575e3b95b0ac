#include "shim/check/check.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <ostream>
#include <string>
#include <vector>

#include "dockerapi/client.h"
#include "shim/network/cni_network.h"
#include "shim/server/listening_socket.h"

namespace dockershimd::shim::check {
namespace {

using base::CallContext;

constexpr std::chrono::seconds kPatience(10);

/// Collects the lines and remembers whether any of them is a failure.
class Report {
 public:
  explicit Report(std::ostream& out) : out_(out) {}

  void Ok(std::string_view what, std::string_view found) { Line("ok", what, found); }
  void Warn(std::string_view what, std::string_view found) { Line("warn", what, found); }
  void Fail(std::string_view what, std::string_view found) {
    failed_ = true;
    Line("FAIL", what, found);
  }
  [[nodiscard]] bool Passed() const { return !failed_; }

 private:
  void Line(std::string_view verdict, std::string_view what, std::string_view found) {
    out_ << fmt::format("{:<5} {:<15} {}\n", verdict, what, found);
  }

  std::ostream& out_;
  bool failed_ = false;
};

void CheckPrivileges(Report& report) {
  if (::geteuid() == 0) {
    report.Ok("user", "root");
  } else {
    report.Fail("user", "not root: pod networks and log files need it; run as root");
  }
}

void CheckListen(const config::Config& config, Report& report) {
  const auto path = config::SocketPath(config.listen);
  if (!path) {
    report.Fail("CRI socket", path.error().message);
  } else if (server::IsListening(*path)) {
    report.Warn("CRI socket", *path + " is in use (by a running dockershimd?)");
  } else {
    report.Ok("CRI socket", *path + " is free");
  }
}

void CheckCgroups(const dockerapi::EngineInfo& info, Report& report) {
  const std::string version = info.cgroup_version.empty() ? "1" : info.cgroup_version;
  const bool driver_known = info.cgroup_driver == "cgroupfs" || info.cgroup_driver == "systemd";
  const auto found = fmt::format("v{}, driver {}", version, info.cgroup_driver);
  if (!driver_known) {
    report.Fail("cgroups", found +
                               ": set native.cgroupdriver to systemd or cgroupfs in Docker's "
                               "daemon.json");
    return;
  }
  const bool systemd_runs = std::filesystem::exists("/run/systemd/system");
  if (systemd_runs && info.cgroup_driver == "cgroupfs") {
    report.Warn("cgroups", found +
                               ": systemd runs here; use the driver systemd in Docker's "
                               "daemon.json and in kubelet, lest two managers share the tree");
    return;
  }
  report.Ok("cgroups", found + " (kubelet takes it over from the runtime)");
}

void CheckLogging(const dockerapi::EngineInfo& info, Report& report) {
  const auto folder = std::filesystem::path(info.root_dir) / "containers";
  std::error_code error;
  if (std::filesystem::is_directory(folder, error)) {
    report.Ok("container logs", "Docker's files are readable in " + folder.string());
  } else {
    report.Warn("container logs",
                folder.string() +
                    " is not readable here: logs will be read through Docker's API, "
                    "which costs it CPU");
  }
}

void CheckDocker(const config::Config& config, Report& report) {
  const auto path = config::SocketPath(config.docker);
  if (!path) {
    report.Fail("Docker", path.error().message);
    return;
  }
  dockerapi::Client docker({.socket_path = *path, .call_timeout = kPatience});
  const auto context = CallContext::WithTimeout(kPatience);
  const auto api = docker.Negotiate(context);
  if (!api) {
    report.Fail("Docker",
                api.error().message + "; check that dockerd runs and listens on " + *path);
    return;
  }
  const auto info = docker.Info(context);
  if (!info) {
    report.Fail("Docker", info.error().message);
    return;
  }
  report.Ok("Docker", fmt::format("version {}, API {}, storage driver {}", info->server_version,
                                  api->ToString(), info->storage_driver));
  CheckCgroups(*info, report);
  CheckLogging(*info, report);
  if (!info->live_restore) {
    report.Warn("live restore",
                "off: a restart of dockerd ends all pods; set \"live-restore\": "
                "true in Docker's daemon.json");
  } else {
    report.Ok("live restore", "on");
  }
}

void CheckNetwork(const config::Config& config, Report& report) {
  network::CniOptions options;
  options.conf_dir = config.cni_conf_dir;
  options.bin_dirs = {config.cni_bin_dir.begin(), config.cni_bin_dir.end()};
  options.cache_dir = config.cni_cache_dir;
  network::CniNetwork cni(options);
  const bool wanted =
      config.network == "cni" || (config.network == "auto" && cni.HasConfiguration());
  if (!wanted) {
    report.Warn("pod network",
                config.network == "bridge"
                    ? "Docker's bridge: pods of different nodes do not reach each other"
                    : "Docker's bridge, since " + config.cni_conf_dir +
                          " holds no CNI configuration: pods of different nodes do not reach each "
                          "other");
    return;
  }
  const auto condition = cni.Condition(CallContext::WithTimeout(kPatience));
  if (condition.ready) {
    report.Ok("pod network", "CNI configuration in " + config.cni_conf_dir);
  } else {
    report.Fail("pod network", condition.message);
  }
}

}  // namespace

bool CheckNode(const config::Config& config, std::ostream& out) {
  Report report(out);
  CheckPrivileges(report);
  CheckListen(config, report);
  CheckDocker(config, report);
  CheckNetwork(config, report);
  return report.Passed();
}

}  // namespace dockershimd::shim::check
