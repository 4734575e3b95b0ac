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
