#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "shim/linux/tree_use.h"
#include "shim/stats/sample.h"

namespace dockershimd::shim::stats {

/// Measures an image store in rounds. Image layers never change: each is walked once, so that
/// after the first round a round costs little. Not thread-safe.
class StoreMeter {
 public:
  /// How a folder is measured; empty when it has gone or the walk was ended.
  using Measure = std::function<std::optional<linuxos::TreeUse>(const std::string& folder)>;

  /// A layer younger than `settling` may still be unpacked: it is walked again next time.
  explicit StoreMeter(std::chrono::seconds settling) : settling_(settling) {}

  /// The use of everything but the layers that containers write to. `upper_dirs`: the folders
  /// that running containers write to.
  [[nodiscard]] linuxos::TreeUse Round(const StoreLayout& layout,
                                       const std::set<std::string>& upper_dirs,
                                       const Measure& measure);

  /// The upper dirs of all containers that were seen running and whose layers are still there.
  [[nodiscard]] std::set<std::string> Written() const;

 private:
  struct Layer {
    std::string upper_dir;  ///< empty: an image's
    linuxos::TreeUse use;
    bool settled = false;
    bool seen = false;
  };

  void Look(const std::string& folder, const Measure& measure);

  std::chrono::seconds settling_;
  StoreLayout layout_;
  std::map<std::string, Layer> layers_;  ///< by folder
};

}  // namespace dockershimd::shim::stats
