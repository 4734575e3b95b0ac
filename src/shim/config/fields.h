#pragma once

#include <string>
#include <variant>
#include <vector>

#include "shim/config/config.h"

namespace dockershimd::shim::config {

/// One setting: its name in the file, what it is for, and where its value is.
struct Field {
  const char* name;
  const char* help;
  std::variant<std::string Config::*, std::int64_t Config::*, std::vector<std::string> Config::*>
      value;
};

/// All settings: the file and the command line both read this table.
[[nodiscard]] inline std::vector<Field> Fields() {
  return {
      {"listen", "CRI endpoint that kubelet connects to", &Config::listen},
      {"docker", "endpoint of the Docker Engine", &Config::docker},
      {"state_dir", "folder for what Docker cannot hold (log positions)", &Config::state_dir},
      {"cni_conf_dir", "folder of CNI configurations", &Config::cni_conf_dir},
      {"cni_bin_dir", "folders of CNI plugins, searched in order", &Config::cni_bin_dir},
      {"cni_cache_dir", "folder of cached CNI results", &Config::cni_cache_dir},
      {"network", "pod networks: auto, cni or bridge (Docker's own)", &Config::network},
      {"sandbox_image", "image of the pause process; empty: the built-in one",
       &Config::sandbox_image},
      {"stream_address", "address of the exec/attach/port-forward server", &Config::stream_address},
      {"stream_base_url", "scheme, host and port of the URLs of that server; empty: as it listens",
       &Config::stream_base_url},
      {"stream_tls_cert", "its certificate, a PEM file; empty: plain HTTP",
       &Config::stream_tls_cert},
      {"stream_tls_key", "the key of that certificate, a PEM file", &Config::stream_tls_key},
      {"stream_token_lifetime", "seconds in which a client has to follow the URL of its session",
       &Config::stream_token_lifetime},
      {"stream_creation_timeout", "seconds in which a client has to open its streams",
       &Config::stream_creation_timeout},
      {"stream_idle_timeout", "seconds without a byte after which a session is ended",
       &Config::stream_idle_timeout},
      {"stream_max_pending", "how many sessions may wait for their client",
       &Config::stream_max_pending},
      {"stream_max_sessions", "how many connections the server takes at a time",
       &Config::stream_max_sessions},
      {"metrics_address", "address for Prometheus metrics; empty: off", &Config::metrics_address},
      {"socket_group", "group that may use the CRI socket; empty: root alone",
       &Config::socket_group},
      {"log_level", "trace, debug, info, warn or error", &Config::log_level},
      {"log_format", "text or json", &Config::log_format},
      {"container_log_max_size", "size at which Docker rotates its own log file of a container",
       &Config::container_log_max_size},
      {"container_log_max_files", "how many of those files Docker keeps",
       &Config::container_log_max_files},
      {"image_pull_stall_timeout", "seconds without progress after which a pull is given up",
       &Config::image_pull_stall_timeout},
  };
}

}  // namespace dockershimd::shim::config
