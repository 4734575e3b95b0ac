#pragma once

#include <compare>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace dockershimd::dockerapi {

/// An Engine API version such as 1.41.
struct ApiVersion {
  int major = 0;
  int minor = 0;
  auto operator<=>(const ApiVersion&) const = default;

  [[nodiscard]] std::string ToString() const;
  /// Empty for anything that is not "<number>.<number>".
  [[nodiscard]] static std::optional<ApiVersion> Parse(std::string_view text);
};

/// The oldest API that this client speaks (Docker 19.03; 20.10 has 1.41) and the newest that it
/// knows (Docker 29).
inline constexpr ApiVersion kOldestApi{1, 40};
inline constexpr ApiVersion kNewestApi{1, 56};

/// GET /version.
struct EngineVersion {
  std::string version;  ///< the product's version: for people only, never to be compared
  ApiVersion api;
  ApiVersion min_api;
  std::string os;
  std::string arch;
  std::string kernel_version;
};

/// GET /info, the part that a node runtime needs.
struct EngineInfo {
  std::string id;
  std::string name;
  std::string server_version;
  std::string root_dir;
  std::string storage_driver;
  std::vector<std::pair<std::string, std::string>> storage_driver_status;
  std::string cgroup_driver;   ///< "cgroupfs" or "systemd"
  std::string cgroup_version;  ///< "1" or "2"; API 1.41
  std::string logging_driver;
  std::string default_runtime;
  std::vector<std::string> runtimes;
  std::vector<std::string> security_options;  ///< "name=seccomp,profile=default", ...
  std::vector<std::string> cdi_spec_dirs;     ///< API 1.46
  std::string operating_system;
  std::string kernel_version;
  bool live_restore = false;
  bool experimental = false;
  int containers = 0;
};

/// GET /system/df, the part about images.
struct DiskUsage {
  std::int64_t layers_bytes = 0;
};

/// What this engine can do beyond API 1.40: computed once per connection, asked by whoever
/// builds a request.
struct EngineFeatures {
  ApiVersion api;
  bool cgroupns_mode = false;        ///< HostConfig.CgroupnsMode, API 1.41
  bool annotations = false;          ///< HostConfig.Annotations, API 1.43
  bool recursive_read_only = false;  ///< BindOptions.ReadOnlyForceRecursive, API 1.44, Linux 5.12
  bool volume_subpath = false;       ///< VolumeOptions.Subpath, API 1.45
  bool image_mounts = false;         ///< Mount type "image", API 1.48
  bool cdi = false;  ///< device requests with driver "cdi": the engine reads CDI spec folders
  bool containerd_image_store = false;  ///< image ids are manifest digests; no graph driver
  bool apparmor = false;
  bool selinux = false;
  bool seccomp = false;
  bool cgroup_v2 = false;
  bool systemd_cgroups = false;
};

[[nodiscard]] EngineFeatures FeaturesOf(ApiVersion negotiated, const EngineInfo& info);

}  // namespace dockershimd::dockerapi
