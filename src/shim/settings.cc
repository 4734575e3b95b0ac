#include "shim/settings.h"

namespace dockershimd::shim {

network::CniOptions CniOptionsOf(const config::Config& config) {
  network::CniOptions options;
  options.conf_dir = config.cni_conf_dir;
  options.bin_dirs = {config.cni_bin_dir.begin(), config.cni_bin_dir.end()};
  options.cache_dir = config.cni_cache_dir;
  return options;
}

}  // namespace dockershimd::shim
