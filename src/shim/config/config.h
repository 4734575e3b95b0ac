#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace dockershimd::shim::config {

inline constexpr const char* kDefaultFile = "/etc/dockershimd/config.toml";

/// Everything that an admin can set: in the file by these names, on the command line with dashes
/// (--cni-conf-dir). deploy/config.toml documents each.
struct Config {
  std::string listen = "unix:///run/dockershimd.sock";
  std::string docker = "unix:///var/run/docker.sock";
  std::string state_dir = "/var/lib/dockershimd";
  std::string cni_conf_dir = "/etc/cni/net.d";
  std::vector<std::string> cni_bin_dir = {"/opt/cni/bin", "/usr/lib/cni"};
  std::string cni_cache_dir = "/var/lib/cni";
  std::string network = "auto";  ///< auto, cni, bridge
  std::string sandbox_image;     ///< empty: the built-in one
  std::string stream_address = "127.0.0.1:0";
  std::string stream_base_url;  ///< empty: from the address
  std::string stream_tls_cert;  ///< PEM file; empty, as the key: plain HTTP
  std::string stream_tls_key;
  std::int64_t stream_token_lifetime = 60;    ///< seconds
  std::int64_t stream_creation_timeout = 30;  ///< seconds
  std::int64_t stream_idle_timeout = 14400;   ///< seconds
  std::int64_t stream_max_pending = 1000;
  std::int64_t stream_max_sessions = 4096;
  std::string metrics_address;  ///< empty: off
  std::string socket_group;     ///< empty: root alone
  std::string log_level = "info";
  std::string log_format = "text";  ///< text, json
  std::string container_log_max_size = "10m";
  std::int64_t container_log_max_files = 3;
  std::int64_t image_pull_stall_timeout = 60;  ///< seconds
  bool operator==(const Config&) const = default;
};

/// Reads a TOML file over the defaults. Unknown keys, wrong types and bad values are errors that
/// name file, line and key.
[[nodiscard]] base::Result<Config> LoadFile(const std::filesystem::path& file);

/// The path of a "unix://" endpoint; a plain absolute path is taken as it is.
[[nodiscard]] base::Result<std::string> SocketPath(const std::string& endpoint);

/// Refuses values that make no sense; the message names key and value and what is allowed.
[[nodiscard]] base::Status Validate(const Config& config);

/// What the command line asks for.
struct CommandLine {
  enum class Action : std::uint8_t { kRun, kCheck, kStatus, kRemovePods, kHandBack, kExit };
  Action action = Action::kRun;
  int exit_code = 0;  ///< for kExit: help, version or a mistake, already printed
  Config config = {};
  bool json = false;                              ///< for kCheck and kStatus
  std::string endpoint = {};                      ///< for kStatus and kRemovePods
  std::string root_dir = "/var/lib/cri-dockerd";  ///< for kHandBack: cri-dockerd's folder
};

/// Flags over file over defaults.
[[nodiscard]] CommandLine ParseCommandLine(int argc, const char* const* argv,
                                           std::string_view version);

}  // namespace dockershimd::shim::config
