#pragma once

#include <chrono>
#include <condition_variable>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <unordered_map>

#include "base/guarded.h"
#include "shim/linux/mount_table.h"
#include "shim/stats/sample.h"
#include "shim/stats/store_meter.h"

namespace dockershimd::shim::stats {

/// What containers' writable layers and the image store take on disk. A thread of its own walks
/// them, with pauses and after everybody else's I/O; asking never walks, it answers what was
/// measured last. What nobody asks for any more is not walked any more. Thread-safe.
class DiskUse {
 public:
  struct Settings {
    /// How old an answer may become; older where a walk takes long: all walks together cost a
    /// small share of one CPU.
    std::chrono::milliseconds interval = std::chrono::seconds(20);
    std::chrono::seconds settling = std::chrono::minutes(5);
    std::string mount_info = "/proc/self/mountinfo";
  };

  DiskUse() : DiskUse(Settings()) {}
  explicit DiskUse(Settings settings);
  /// Ends the thread within milliseconds.
  ~DiskUse() = default;
  DiskUse(const DiskUse&) = delete;
  DiskUse& operator=(const DiskUse&) = delete;

  /// Without it nothing is ever measured.
  void Start();

  /// A container's writable layer. Empty until it has been walked, soon after the first question.
  [[nodiscard]] std::optional<FolderUse> Layer(const std::string& upper_dir);

  /// The image store. Empty until it has been walked.
  [[nodiscard]] std::optional<StoreUse> Store(const StoreLayout& layout);

 private:
  using Clock = std::chrono::steady_clock;

  struct Tracked {
    std::optional<FolderUse> use;
    Clock::time_point due;
    Clock::time_point asked;
  };
  struct State {
    std::unordered_map<std::string, Tracked> layers;  ///< by upper dir
    std::optional<StoreLayout> layout;
    Clock::time_point store_due;
    Clock::time_point store_asked;
    std::optional<StoreUse> store;  ///< `containers` is added up when asked
    std::set<std::string> written;  ///< the upper dirs in the store
  };

  void Run(const std::stop_token& stop);
  void Step(const std::stop_token& stop);
  void MeasureLayer(const std::stop_token& stop, const std::string& upper_dir);
  void FindUpperDirs();
  void MeasureStore(const std::stop_token& stop, const StoreLayout& layout);
  [[nodiscard]] std::optional<linuxos::TreeUse> Measure(const std::stop_token& stop,
                                                        const std::string& folder);
  void WaitUntil(const std::stop_token& stop, Clock::time_point time);
  static void Track(State& state, const std::string& upper_dir);

  Settings settings_;
  // The thread's own:
  StoreMeter meter_;
  linuxos::MountTable mounts_;
  std::set<std::string> upper_dirs_;  ///< of all overlays in the mount table

  base::Guarded<State> state_;
  std::condition_variable changed_;
  std::jthread thread_;
};

}  // namespace dockershimd::shim::stats
