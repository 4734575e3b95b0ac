#include "shim/stats/disk_use.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <functional>
#include <utility>

#include "base/file.h"
#include "base/log.h"
#include "shim/linux/mount_info.h"

namespace dockershimd::shim::stats {
namespace {

using std::chrono::nanoseconds;

/// After each piece of a walk the thread sleeps so many times as long as it worked.
constexpr int kRestPerWork = 9;
/// A folder is walked again after so many times as long as its walk took: half a percent.
constexpr int kIntervalPerCost = 200;
/// What nobody asked for so long is forgotten.
constexpr std::chrono::minutes kForgetAfter(15);

nanoseconds ThreadCpuTime() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return std::chrono::seconds(time.tv_sec) + nanoseconds(time.tv_nsec);
}

/// Lets everybody else's I/O go first. Not the CPU: a thread that starves while it holds a lock
/// would make requests wait.
void YieldIo() {
  // ioprio_set(2). The kernel's header for it is no C++ since Debian's 6.1.192.
  constexpr int kWhoProcess = 1;
  constexpr int kThisThread = 0;
  constexpr int kClassIdle = 3 << 13;
  if (::syscall(SYS_ioprio_set, kWhoProcess, kThisThread, kClassIdle) != 0) {
    spdlog::debug("disk use: no idle I/O priority here");
  }
}

}  // namespace

DiskUse::DiskUse(Settings settings)
    : settings_(std::move(settings)), meter_(settings_.settling), mounts_(settings_.mount_info) {}

void DiskUse::Start() {
  thread_ = std::jthread([this](const std::stop_token& stop) { Run(stop); });
}

void DiskUse::Track(State& state, const std::string& upper_dir) {
  state.layers[upper_dir].asked = Clock::now();
}

std::optional<FolderUse> DiskUse::Layer(const std::string& upper_dir) {
  auto state = state_.Lock();
  const bool is_new = !state->layers.contains(upper_dir);
  Track(*state, upper_dir);
  if (is_new) changed_.notify_all();
  return state->layers[upper_dir].use;
}

std::optional<StoreUse> DiskUse::Store(const StoreLayout& layout) {
  auto state = state_.Lock();
  state->store_asked = Clock::now();
  if (state->layout != layout) {
    state->layout = layout;
    state->store.reset();
    state->store_due = {};
    changed_.notify_all();
  }
  auto use = state->store;
  if (!use) return use;
  for (const auto& upper_dir : state->written) {
    const auto layer = state->layers.find(upper_dir);
    if (layer != state->layers.end() && layer->second.use) {
      use->containers += layer->second.use->use;
    }
  }
  return use;
}

void DiskUse::WaitUntil(const std::stop_token& stop, Clock::time_point time) {
  const auto stopped = [&] { return stop.stop_requested(); };
  (void)state_.Lock().WaitUntil(changed_, time, stopped);
}

void DiskUse::Run(const std::stop_token& stop) {
  YieldIo();
  const std::stop_callback wake(stop, [this] {
    // With the lock held once, no waiter is between its look at the token and its sleep.
    (void)state_.Lock();
    changed_.notify_all();
  });
  while (!stop.stop_requested()) Step(stop);
}

void DiskUse::Step(const std::stop_token& stop) {
  std::string upper_dir;
  std::optional<StoreLayout> layout;
  {
    auto state = state_.Lock();
    const auto now = Clock::now();
    std::erase_if(state->layers, [&](const auto& entry) {
      return now - entry.second.asked > kForgetAfter && entry.second.due <= now;
    });
    if (now - state->store_asked > kForgetAfter) state->layout.reset();
    auto next = now + settings_.interval;
    for (const auto& [folder, tracked] : state->layers) {
      if (tracked.due < next) {
        next = tracked.due;
        upper_dir = folder;
      }
    }
    if (state->layout && state->store_due < next) {
      next = state->store_due;
      layout = state->layout;
    }
    if (next > now) {
      // Until something is due, or is new and due at once.
      (void)state.WaitUntil(changed_, next, [&] {
        return stop.stop_requested() || (state->layout && state->store_due < next) ||
               std::ranges::any_of(state->layers,
                                   [&](const auto& entry) { return entry.second.due < next; });
      });
      return;
    }
  }
  if (layout) return MeasureStore(stop, *layout);
  MeasureLayer(stop, upper_dir);
}

std::optional<linuxos::TreeUse> DiskUse::Measure(const std::stop_token& stop,
                                                 const std::string& folder) {
  auto before = ThreadCpuTime();
  const auto rest = [&] {
    WaitUntil(stop, Clock::now() + kRestPerWork * (ThreadCpuTime() - before));
    before = ThreadCpuTime();
    return !stop.stop_requested();
  };
  return linuxos::MeasureTree(folder, rest);
}

void DiskUse::MeasureLayer(const std::stop_token& stop, const std::string& upper_dir) {
  const auto before = ThreadCpuTime();
  const auto use = Measure(stop, upper_dir);
  const auto cost = ThreadCpuTime() - before;
  auto state = state_.Lock();
  const auto tracked = state->layers.find(upper_dir);
  if (tracked == state->layers.end()) return;
  tracked->second.due =
      Clock::now() + std::max<nanoseconds>(settings_.interval, kIntervalPerCost * cost);
  // What has gone keeps its last measure until it is forgotten.
  if (use) tracked->second.use = FolderUse{*use, base::WallClockNow()};
}

void DiskUse::FindUpperDirs() {
  if (!mounts_.HasChanged()) return;
  const auto text = base::ReadFile(settings_.mount_info);
  if (!text) {
    // A new one has changed: the next round tries again.
    mounts_ = linuxos::MountTable(settings_.mount_info);
    return;
  }
  upper_dirs_.clear();
  for (const auto& mount : linuxos::ParseMountInfo(*text)) {
    if (auto upper_dir = linuxos::OverlayUpperDir(mount); !upper_dir.empty()) {
      upper_dirs_.insert(std::move(upper_dir));
    }
  }
}

void DiskUse::MeasureStore(const std::stop_token& stop, const StoreLayout& layout) {
  const auto before = ThreadCpuTime();
  FindUpperDirs();
  const auto images = meter_.Round(
      layout, upper_dirs_, [&](const std::string& folder) { return Measure(stop, folder); });
  const auto cost = ThreadCpuTime() - before;
  if (stop.stop_requested()) return;
  auto state = state_.Lock();
  if (state->layout != layout) return;
  state->store = StoreUse{images, {}, base::WallClockNow()};
  state->store_due =
      Clock::now() + std::max<nanoseconds>(settings_.interval, kIntervalPerCost * cost);
  state->written = meter_.Written();
  for (const auto& upper_dir : state->written) Track(*state, upper_dir);
}

}  // namespace dockershimd::shim::stats
