#include "shim/service/pod_files.h"

#include <fcntl.h>

#include <array>
#include <chrono>
#include <system_error>

#include "base/file.h"
#include "base/log.h"
#include "shim/translate/sandbox.h"

namespace dockershimd::shim::service {
namespace {

namespace fs = std::filesystem;
using base::Fail;

constexpr std::array<const char*, 3> kNames = {"hostname", "hosts", "resolv.conf"};
/// systemd-resolved's own list of name servers, for those whom its stub on loopback cannot serve.
constexpr const char* kResolvedServers = "/run/systemd/resolve/resolv.conf";

bool IsNeeded(const translate::SandboxRecord& sandbox) {
  return sandbox.details.spec.network_disabled;
}

/// As the host has it, for a pod without DNS settings.
base::Result<std::string> HostsResolvConf() {
  auto text = base::ReadFile("/etc/resolv.conf");
  if (!text || text->find("nameserver 127.0.0.53") == std::string::npos) return text;
  auto servers = base::ReadFile(kResolvedServers);
  return servers ? servers : text;
}

base::Result<std::string> TextOf(const std::string& name, const translate::SandboxRecord& sandbox) {
  const std::string& hostname = sandbox.details.spec.hostname;
  if (name == "hostname") return hostname + "\n";
  if (name == "hosts") return translate::HostsFile(hostname, sandbox.network.ips);
  std::string text = translate::ResolvConf(sandbox.config.Get().dns_config());
  return text.empty() ? HostsResolvConf() : text;
}

/// In place: containers have the file mounted.
base::Status WriteOne(const fs::path& file, const std::string& name,
                      const translate::SandboxRecord& sandbox) {
  const auto text = TextOf(name, sandbox);
  if (!text) return Fail(text.error());
  const auto fd = base::OpenFile(file, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (!fd) return Fail(fd.error());
  return base::WriteAll(fd->Get(), *text, "write " + file.string());
}

bool Mounts(const runtime::v1::ContainerConfig& config, const std::string& path) {
  for (const auto& mount : config.mounts()) {
    if (mount.container_path() == path) return true;
  }
  return false;
}

bool IsOld(const fs::path& path) {
  constexpr std::chrono::minutes kTooNew(2);
  std::error_code error;
  const auto time = fs::last_write_time(path, error);
  return !error && fs::file_time_type::clock::now() - time > kTooNew;
}

}  // namespace

base::Status PodFiles::Write(const translate::SandboxRecord& sandbox) const {
  if (!IsNeeded(sandbox)) return {};
  const auto folder = folder_ / sandbox.details.id;
  // Users of containers with the files mounted need to get at them by no path of ours.
  if (auto made = base::MakeDirectories(folder, 0700); !made) return made;
  for (const std::string name : kNames) {
    if (auto written = WriteOne(folder / name, name, sandbox); !written) return written;
  }
  return {};
}

base::Status PodFiles::AddMounts(const translate::SandboxRecord& sandbox,
                                 runtime::v1::ContainerConfig* config) const {
  if (!IsNeeded(sandbox)) return {};
  const auto folder = folder_ / sandbox.details.id;
  if (auto made = base::MakeDirectories(folder, 0700); !made) return made;
  for (const std::string name : kNames) {
    const std::string path = "/etc/" + name;
    if (Mounts(*config, path)) continue;
    std::error_code error;
    if (!fs::exists(folder / name, error)) {
      if (auto written = WriteOne(folder / name, name, sandbox); !written) return written;
    }
    auto& mount = *config->add_mounts();
    mount.set_host_path((folder / name).string());
    mount.set_container_path(path);
    mount.set_readonly(config->linux().security_context().readonly_rootfs());
    mount.set_selinux_relabel(true);
    // Docker wants it of sources in its own folder, for which it takes every path that begins alike:
    // /var/lib/dockershimd too.
    mount.set_propagation(runtime::v1::MountPropagation::PROPAGATION_HOST_TO_CONTAINER);
  }
  return {};
}

void PodFiles::Remove(const std::string& sandbox_id) const {
  std::error_code error;
  fs::remove_all(folder_ / sandbox_id, error);
  if (error) spdlog::warn("the files of sandbox {} remain: {}", sandbox_id, error.message());
}

void PodFiles::RemoveLeftovers(const std::unordered_set<std::string>& valid) const {
  std::error_code error;
  for (fs::directory_iterator pod(folder_, error), end; !error && pod != end;
       pod.increment(error)) {
    const auto id = pod->path().filename().string();
    if (!valid.contains(id) && IsOld(pod->path())) Remove(id);
  }
}

}  // namespace dockershimd::shim::service
