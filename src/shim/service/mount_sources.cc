#include "shim/service/mount_sources.h"

#include <filesystem>

#include "base/file.h"

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

}  // namespace dockershimd::shim::service
