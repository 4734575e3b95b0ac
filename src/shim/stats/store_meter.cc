#include "shim/stats/store_meter.h"

#include <sys/stat.h>

#include <filesystem>
#include <system_error>

namespace dockershimd::shim::stats {
namespace {

namespace fs = std::filesystem;

/// Whether nothing was put into or taken out of this folder for so long.
bool IsOlderThan(const std::string& folder, std::chrono::seconds age) {
  struct stat status{};
  if (::stat(folder.c_str(), &status) != 0) return false;
  const auto changed = std::chrono::system_clock::from_time_t(status.st_mtime);
  return std::chrono::system_clock::now() - changed > age;
}

}  // namespace

void StoreMeter::Look(const std::string& folder, const Measure& measure) {
  auto& layer = layers_[folder];
  layer.seen = true;
  if (!layer.upper_dir.empty() || layer.settled) return;
  const bool is_old = IsOlderThan(folder, settling_);
  const auto use = measure(folder);
  layer.settled = is_old && use.has_value();
  layer.use = use.value_or(linuxos::TreeUse());
}

linuxos::TreeUse StoreMeter::Round(const StoreLayout& layout,
                                   const std::set<std::string>& upper_dirs,
                                   const Measure& measure) {
  if (layout != layout_) layers_.clear();
  layout_ = layout;
  for (const auto& upper_dir : upper_dirs) {
    // <layers>/<layer>/diff or <layers>/<layer>/fs
    const std::string folder = fs::path(upper_dir).parent_path();
    if (fs::path(folder).parent_path() == layout.layers) layers_[folder].upper_dir = upper_dir;
  }
  for (auto& [folder, layer] : layers_) layer.seen = false;
  std::error_code error;
  for (fs::directory_iterator entry(layout.layers, error), end; !error && entry != end;
       entry.increment(error)) {
    std::error_code gone;
    if (entry->is_directory(gone)) Look(entry->path(), measure);
  }
  std::erase_if(layers_, [](const auto& entry) { return !entry.second.seen; });
  linuxos::TreeUse images;
  for (const auto& [folder, layer] : layers_) {
    if (layer.upper_dir.empty()) images += layer.use;
  }
  if (!layout.content.empty()) {
    images += measure(layout.content).value_or(linuxos::TreeUse());
  }
  return images;
}

std::set<std::string> StoreMeter::Written() const {
  std::set<std::string> written;
  for (const auto& [folder, layer] : layers_) {
    if (!layer.upper_dir.empty()) written.insert(layer.upper_dir);
  }
  return written;
}

}  // namespace dockershimd::shim::stats
