#include "shim/translate/mounts.h"

namespace dockershimd::shim::translate {
namespace {

using base::Code;
using base::Fail;
using base::Result;
using runtime::v1::MountPropagation;

Result<std::string> PropagationOf(const runtime::v1::Mount& mount) {
  switch (mount.propagation()) {
    case MountPropagation::PROPAGATION_PRIVATE:
      return "rprivate";
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
  dockerapi::Mount docker;
  docker.type = "image";
  docker.source = mount.image().image();
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
  if (mount.recursive_read_only()) {
    if (!engine.features.recursive_read_only) {
      return Fail(Code::kUnimplemented,
                  "mounts[{}].recursive_read_only: needs Docker API 1.44 (Docker 25), this engine "
                  "speaks {}",
                  mount.container_path(), engine.features.api.ToString());
    }
    docker.read_only_force_recursive = true;
  } else if (mount.readonly() && engine.features.recursive_read_only) {
    // Newer engines make read-only mounts recursive by themselves; CRI asks for it explicitly.
    docker.read_only_non_recursive = true;
  }
  return docker;
}

/// Only the text form knows the option that relabels a source for SELinux.
Result<std::string> RelabelledBind(const runtime::v1::Mount& mount) {
  auto propagation = PropagationOf(mount);
  if (!propagation) return Fail(propagation.error());
  if (mount.host_path().find(':') != std::string::npos ||
      mount.container_path().find(':') != std::string::npos) {
    return Fail(Code::kInvalidArgument,
                "mounts[{}].selinux_relabel: Docker cannot relabel a path with a colon",
                mount.container_path());
  }
  return fmt::format("{}:{}:{},Z,{}", mount.host_path(), mount.container_path(),
                     mount.readonly() ? "ro" : "rw", *propagation);
}

}  // namespace

base::Status ApplyMounts(const MountList& mounts, const EngineView& engine,
                         dockerapi::HostConfig* host) {
  for (const auto& mount : mounts) {
    if (auto checked = CheckMount(mount); !checked) return checked;
    const bool is_image = mount.has_image() && !mount.image().image().empty();
    if (mount.selinux_relabel() && engine.features.selinux && !is_image) {
      auto bind = RelabelledBind(mount);
      if (!bind) return Fail(bind.error());
      host->binds.push_back(*bind);
      continue;
    }
    auto docker = is_image ? ImageMount(mount, engine) : BindMount(mount, engine);
    if (!docker) return Fail(docker.error());
    host->mounts.push_back(std::move(*docker));
  }
  return {};
}

base::Status ApplyDevices(const runtime::v1::ContainerConfig& config, const EngineView& engine,
                          dockerapi::HostConfig* host) {
  for (const auto& device : config.devices()) {
    if (device.host_path().empty()) {
      return Fail(Code::kInvalidArgument, "devices: host_path is empty (container_path '{}')",
                  device.container_path());
    }
    host->devices.push_back({device.host_path(), device.container_path(),
                             device.permissions().empty() ? "rwm" : device.permissions()});
  }
  if (config.cdi_devices().empty()) return {};
  if (!engine.features.cdi) {
    return Fail(Code::kUnimplemented,
                "CDI_devices: this engine (API {}) does not do CDI; it needs Docker 25 with the "
                "feature \"cdi\" in daemon.json, or Docker 28.2",
                engine.features.api.ToString());
  }
  dockerapi::DeviceRequest request{"cdi", {}};
  for (const auto& device : config.cdi_devices()) request.device_ids.push_back(device.name());
  host->device_requests.push_back(std::move(request));
  return {};
}

}  // namespace dockershimd::shim::translate
