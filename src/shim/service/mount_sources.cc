#include "shim/service/mount_sources.h"

#include <algorithm>
#include <filesystem>

#include "base/file.h"
#include "shim/linux/mount_info.h"

namespace dockershimd::shim::service {

base::Status PrepareMountSources(runtime::v1::ContainerConfig* config) {
  for (auto& mount : *config->mutable_mounts()) {
    if (!mount.image().image().empty()) continue;
    const std::filesystem::path source = mount.host_path();
    if (!source.is_absolute()) {
      return base::Fail(base::Code::kInvalidArgument,
                        "mounts[{}].host_path: '{}' is not an absolute path",
                        mount.container_path(), mount.host_path());
    }
    std::error_code error;
    if (!std::filesystem::exists(source, error)) {
      if (auto made = base::MakeDirectories(source); !made) {
        return base::Fail(made.error(),
                          fmt::format("mounts[{}].host_path", mount.container_path()));
      }
    }
    const auto resolved = std::filesystem::canonical(source, error);
    if (error) {
      return base::Fail(base::ErrnoError(
          error.value(),
          fmt::format("mounts[{}].host_path '{}'", mount.container_path(), mount.host_path())));
    }
    mount.set_host_path(resolved.string());
  }
  return {};
}

base::Result<translate::SubMounts> SubMountsOf(const runtime::v1::ContainerConfig& config) {
  translate::SubMounts found;
  for (const auto& mount : config.mounts()) {
    if (mount.recursive_read_only()) found[mount.host_path()];
  }
  if (found.empty()) return found;
  const auto table = base::ReadFile("/proc/self/mountinfo");
  if (!table) return base::Fail(table.error());
  for (const auto& mounted : linuxos::ParseMountInfo(*table)) {
    for (auto& [source, below] : found) {
      const std::string prefix = source == "/" ? source : source + "/";
      if (!mounted.mount_point.starts_with(prefix) || mounted.mount_point == source) continue;
      // Mounts upon each other show as the topmost.
      if (std::find(below.begin(), below.end(), mounted.mount_point) == below.end()) {
        below.push_back(mounted.mount_point);
      }
    }
  }
  return found;
}

}  // namespace dockershimd::shim::service
