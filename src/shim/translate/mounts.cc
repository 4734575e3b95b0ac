#include "shim/translate/mounts.h"

#include <set>

#include "shim/translate/images.h"

namespace dockershimd::shim::translate {
namespace {

using base::Code;
using base::Fail;
using base::Result;
using runtime::v1::MountPropagation;

constexpr std::string_view kCdiAnnotation = "cdi.k8s.io/";

bool IsImage(const runtime::v1::Mount& mount) { return !mount.image().image().empty(); }

/// Private is what Docker does unasked. Asked for it, it refuses sources that hold its own root,
/// such as "/"; unasked, it makes them slaves, so that container file systems can still be
/// unmounted.
Result<std::string> PropagationOf(const runtime::v1::Mount& mount) {
  switch (mount.propagation()) {
    case MountPropagation::PROPAGATION_PRIVATE:
      return mount.recursive_read_only() ? "rprivate" : "";
    case MountPropagation::PROPAGATION_HOST_TO_CONTAINER:
      return "rslave";
    case MountPropagation::PROPAGATION_BIDIRECTIONAL:
      return "rshared";
    default:
      return Fail(Code::kInvalidArgument, "mounts[{}].propagation: unknown value {}",
                  mount.container_path(), static_cast<int>(mount.propagation()));
  }
}

/// What no engine can do, and what CRI says must not be asked for.
base::Status CheckMount(const runtime::v1::Mount& mount) {
  if (mount.container_path().empty()) {
    return Fail(Code::kInvalidArgument, "mounts: container_path is empty (host_path '{}')",
                mount.host_path());
  }
  if (IsImage(mount) && !mount.host_path().empty()) {
    return Fail(Code::kInvalidArgument, "mounts[{}].host_path: must be empty next to an image",
                mount.container_path());
  }
  if (!IsImage(mount) && !mount.image_sub_path().empty()) {
    return Fail(Code::kInvalidArgument, "mounts[{}].image_sub_path: needs an image",
                mount.container_path());
  }
  if (mount.uidmappings_size() > 0 || mount.gidmappings_size() > 0) {
    return Fail(Code::kUnimplemented,
                "mounts[{}].uidMappings: Docker's API cannot map ids of a mount",
                mount.container_path());
  }
  if (mount.mount_options_size() > 0) {
    return Fail(Code::kUnimplemented,
                "mounts[{}].mount_options: Docker's API takes no mount options for a bind mount",
                mount.container_path());
  }
  if (mount.recursive_read_only() && !mount.readonly()) {
    return Fail(Code::kInvalidArgument, "mounts[{}].recursive_read_only: needs readonly",
                mount.container_path());
  }
  if (mount.recursive_read_only() && mount.propagation() != MountPropagation::PROPAGATION_PRIVATE) {
    return Fail(Code::kInvalidArgument, "mounts[{}].recursive_read_only: needs PROPAGATION_PRIVATE",
                mount.container_path());
  }
  return {};
}

Result<dockerapi::Mount> ImageMount(const runtime::v1::Mount& mount, const EngineView& engine) {
  if (!engine.features.image_mounts) {
    return Fail(Code::kUnimplemented,
                "mounts[{}].image: image volumes need Docker API 1.48 (Docker 28), this engine "
                "speaks {}",
                mount.container_path(), engine.features.api.ToString());
  }
  const auto image = LookupReference(mount.image());
  if (!image) return Fail(image.error(), fmt::format("mounts[{}]", mount.container_path()));
  dockerapi::Mount docker;
  docker.type = "image";
  docker.source = *image;
  docker.target = mount.container_path();
  docker.read_only = true;
  docker.image_subpath = mount.image_sub_path();
  return docker;
}

Result<dockerapi::Mount> BindMount(const runtime::v1::Mount& mount, const EngineView& engine) {
  auto propagation = PropagationOf(mount);
  if (!propagation) return Fail(propagation.error());
  dockerapi::Mount docker;
  docker.source = mount.host_path();
  docker.target = mount.container_path();
  docker.read_only = mount.readonly();
  docker.propagation = *propagation;
  const bool native = engine.features.recursive_read_only;
  docker.read_only_force_recursive = mount.recursive_read_only() && native;
  docker.non_recursive = mount.recursive_read_only() && !native;
  // Newer engines make read-only mounts recursive by themselves; CRI asks for it explicitly.
  docker.read_only_non_recursive = mount.readonly() && !mount.recursive_read_only() && native;
  return docker;
}

/// What an engine before API 1.44 needs for a recursive read-only mount: each mount below the
/// source bound by itself. The propagation is private, so that none comes later.
void AddSubMounts(const dockerapi::Mount& parent, const SubMounts& sub_mounts,
                  dockerapi::HostConfig* host) {
  const auto below = sub_mounts.find(parent.source);
  if (!parent.non_recursive || below == sub_mounts.end()) return;
  for (const auto& mount_point : below->second) {
    auto mount = parent;
    mount.source = mount_point;
    const auto base = parent.source == "/" ? 0 : parent.source.size();
    mount.target += mount_point.substr(base);
    host->mounts.push_back(std::move(mount));
  }
}

/// Only the text form knows the option that relabels a source for SELinux.
Result<std::string> RelabelledBind(const runtime::v1::Mount& mount, const EngineView& engine) {
  if (mount.recursive_read_only() && !engine.features.recursive_read_only) {
    return Fail(Code::kUnimplemented,
                "mounts[{}].recursive_read_only: together with selinux_relabel it needs Docker API "
                "1.44 (Docker 25) and Linux 5.12, this engine speaks {}",
                mount.container_path(), engine.features.api.ToString());
  }
  auto propagation = PropagationOf(mount);
  if (!propagation) return Fail(propagation.error());
  if (mount.host_path().find(':') != std::string::npos ||
      mount.container_path().find(':') != std::string::npos) {
    return Fail(Code::kInvalidArgument,
                "mounts[{}].selinux_relabel: Docker cannot relabel a path with a colon",
                mount.container_path());
  }
  return fmt::format("{}:{}:{},Z{}{}", mount.host_path(), mount.container_path(),
                     mount.readonly() ? "ro" : "rw", propagation->empty() ? "" : ",", *propagation);
}

base::Status AddDevice(const runtime::v1::Device& device, dockerapi::HostConfig* host) {
  if (device.host_path().empty()) {
    return Fail(Code::kInvalidArgument, "devices: host_path is empty (container_path '{}')",
                device.container_path());
  }
  if (device.permissions().find_first_not_of("rwm") != std::string::npos) {
    return Fail(Code::kInvalidArgument, "devices[{}].permissions: '{}' has other letters than rwm",
                device.host_path(), device.permissions());
  }
  host->devices.push_back(
      {device.host_path(),
       device.container_path().empty() ? device.host_path() : device.container_path(),
       device.permissions().empty() ? "rwm" : device.permissions()});
  return {};
}

/// Qualified names from the field, and from the annotations of kubelets before 1.29, each once.
Result<std::vector<std::string>> CdiDevices(const runtime::v1::ContainerConfig& config,
                                            const EngineView& engine) {
  if (!engine.features.cdi && !config.cdi_devices().empty()) {
    return Fail(Code::kUnimplemented,
                "CDI_devices: this engine (API {}) does not do CDI; it needs Docker 25 with the "
                "feature \"cdi\" in daemon.json, or Docker 28.2",
                engine.features.api.ToString());
  }
  std::vector<std::string> names;
  std::set<std::string> seen;
  const auto add = [&](std::string name) {
    if (!name.empty() && seen.insert(name).second) names.push_back(std::move(name));
  };
  for (const auto& device : config.cdi_devices()) add(device.name());
  if (!engine.features.cdi) return names;
  // In order, so that the same request always does the same.
  const std::map<std::string, std::string> annotations(config.annotations().begin(),
                                                       config.annotations().end());
  for (const auto& [key, value] : annotations) {
    if (!key.starts_with(kCdiAnnotation)) continue;
    std::string name;
    for (const char letter : value + ",") {
      if (letter == ',') add(std::exchange(name, {}));
      if (letter != ',') name += letter;
    }
  }
  return names;
}

}  // namespace

base::Status ApplyMounts(const MountList& mounts, const SubMounts& sub_mounts,
                         const EngineView& engine, dockerapi::HostConfig* host) {
  for (const auto& mount : mounts) {
    if (auto checked = CheckMount(mount); !checked) return checked;
    // Without SELinux on the host there is nothing to relabel.
    if (mount.selinux_relabel() && engine.features.selinux && !IsImage(mount)) {
      auto bind = RelabelledBind(mount, engine);
      if (!bind) return Fail(bind.error());
      host->binds.push_back(*bind);
      continue;
    }
    auto docker = IsImage(mount) ? ImageMount(mount, engine) : BindMount(mount, engine);
    if (!docker) return Fail(docker.error());
    host->mounts.push_back(*docker);
    AddSubMounts(*docker, sub_mounts, host);
  }
  return {};
}

base::Status ApplyDevices(const runtime::v1::ContainerConfig& config, const EngineView& engine,
                          dockerapi::HostConfig* host) {
  for (const auto& device : config.devices()) {
    if (auto added = AddDevice(device, host); !added) return added;
  }
  auto names = CdiDevices(config, engine);
  if (!names) return Fail(names.error());
  if (!names->empty()) host->device_requests.push_back({"cdi", std::move(*names)});
  return {};
}

}  // namespace dockershimd::shim::translate
