#include <charconv>

#include "dockerapi/decode.h"
#include "dockerapi/json_util.h"

namespace dockershimd::dockerapi {
namespace {

using base::Code;
using base::Fail;
using base::Result;

std::vector<std::pair<std::string, std::string>> PairsOf(const Json& list) {
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const Json& item : list) {
    if (item.is_array() && item.size() == 2 && item[0].is_string() && item[1].is_string()) {
      pairs.emplace_back(item[0].get<std::string>(), item[1].get<std::string>());
    }
  }
  return pairs;
}

bool HasSecurity(const EngineInfo& info, std::string_view name) {
  for (const auto& option : info.security_options) {
    // Old engines write "seccomp", newer ones "name=seccomp,profile=default".
    const std::string_view text = option;
    if (text == name || text == fmt::format("name={}", name) ||
        text.starts_with(fmt::format("name={},", name))) {
      return true;
    }
  }
  return false;
}

/// The "<number>.<number>" that a text begins with, which is taken off it.
std::optional<ApiVersion> LeadingVersion(std::string_view& text) {
  ApiVersion version;
  const char* const end = text.data() + text.size();
  const auto major = std::from_chars(text.data(), end, version.major);
  if (major.ec != std::errc() || major.ptr == end || *major.ptr != '.') return std::nullopt;
  const auto minor = std::from_chars(major.ptr + 1, end, version.minor);
  if (minor.ec != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(minor.ptr - text.data()));
  return version;
}

/// Docker makes mounts read-only recursively by mount_setattr(2), which came with Linux 5.12, and
/// refuses where it cannot.
bool MountsRecursively(const EngineInfo& info) {
  std::string_view kernel = info.kernel_version;
  return LeadingVersion(kernel) >= ApiVersion{5, 12};
}

bool UsesContainerdStore(const EngineInfo& info) {
  for (const auto& [name, value] : info.storage_driver_status) {
    if (name == "driver-type" && value.starts_with("io.containerd.snapshotter")) return true;
  }
  return false;
}

}  // namespace

std::string ApiVersion::ToString() const { return fmt::format("{}.{}", major, minor); }

std::optional<ApiVersion> ApiVersion::Parse(std::string_view text) {
  const auto version = LeadingVersion(text);
  if (!version || !text.empty()) return std::nullopt;
  return version;
}

EngineFeatures FeaturesOf(ApiVersion negotiated, const EngineInfo& info) {
  EngineFeatures features;
  features.api = negotiated;
  features.cgroupns_mode = negotiated >= ApiVersion{1, 41};
  features.annotations = negotiated >= ApiVersion{1, 43};
  features.recursive_read_only = negotiated >= ApiVersion{1, 44} && MountsRecursively(info);
  features.volume_subpath = negotiated >= ApiVersion{1, 45};
  features.image_mounts = negotiated >= ApiVersion{1, 48};
  features.cdi = !info.cdi_spec_dirs.empty();
  features.containerd_image_store = UsesContainerdStore(info);
  features.apparmor = HasSecurity(info, "apparmor");
  features.selinux = HasSecurity(info, "selinux");
  features.seccomp = HasSecurity(info, "seccomp");
  features.cgroup_v2 = info.cgroup_version == "2";
  features.systemd_cgroups = info.cgroup_driver == "systemd";
  return features;
}

Result<EngineVersion> DecodeVersion(std::string_view body) {
  const auto json = ParseObject(body, "version");
  if (!json) return Fail(json.error());
  const auto api = ApiVersion::Parse(StringOf(*json, "ApiVersion"));
  if (!api) return Fail(Code::kInternal, "version: Docker's answer has no ApiVersion");
  EngineVersion version;
  version.version = StringOf(*json, "Version");
  version.api = *api;
  version.min_api = ApiVersion::Parse(StringOf(*json, "MinAPIVersion")).value_or(kOldestApi);
  version.os = StringOf(*json, "Os");
  version.arch = StringOf(*json, "Arch");
  version.kernel_version = StringOf(*json, "KernelVersion");
  return version;
}

Result<EngineInfo> DecodeInfo(std::string_view body) {
  const auto json = ParseObject(body, "info");
  if (!json) return Fail(json.error());
  EngineInfo info;
  info.id = StringOf(*json, "ID");
  info.name = StringOf(*json, "Name");
  info.server_version = StringOf(*json, "ServerVersion");
  info.root_dir = StringOf(*json, "DockerRootDir");
  info.storage_driver = StringOf(*json, "Driver");
  info.storage_driver_status = PairsOf(ListOf(*json, "DriverStatus"));
  info.cgroup_driver = StringOf(*json, "CgroupDriver");
  info.cgroup_version = StringOf(*json, "CgroupVersion");
  info.logging_driver = StringOf(*json, "LoggingDriver");
  info.default_runtime = StringOf(*json, "DefaultRuntime");
  info.runtimes = KeysOf(*json, "Runtimes");
  info.security_options = StringsOf(*json, "SecurityOptions");
  info.cdi_spec_dirs = StringsOf(*json, "CDISpecDirs");
  info.operating_system = StringOf(*json, "OperatingSystem");
  info.kernel_version = StringOf(*json, "KernelVersion");
  info.live_restore = BoolOf(*json, "LiveRestoreEnabled");
  info.experimental = BoolOf(*json, "ExperimentalBuild");
  info.containers = Int32Of(*json, "Containers");
  return info;
}

Result<DiskUsage> DecodeDiskUsage(std::string_view body) {
  const auto json = ParseObject(body, "disk usage");
  if (!json) return Fail(json.error());
  // API 1.52 moved the sum into "ImageUsage".
  const Json& usage = Member(*json, "ImageUsage");
  return DiskUsage{usage.is_object() ? IntOf(usage, "TotalSize") : IntOf(*json, "LayersSize")};
}

Result<Event> DecodeEvent(std::string_view message) {
  const auto json = ParseObject(message, "event");
  if (!json) return Fail(json.error());
  const Json& actor = Member(*json, "Actor");
  return Event{StringOf(*json, "Type"), StringOf(*json, "Action"), StringOf(actor, "ID"),
               StringMapOf(actor, "Attributes"), IntOf(*json, "timeNano")};
}

}  // namespace dockershimd::dockerapi
