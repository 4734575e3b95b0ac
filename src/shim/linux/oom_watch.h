#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>

#include "base/guarded.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "shim/linux/cgroup_folders.h"

namespace dockershimd::shim::linuxos {

/// Learns from the kernel which containers its out-of-memory killer has hit. Docker learns it too,
/// but beside the container's end: on a busy host it may say "exited" and never "out of memory".
/// Thread-safe; one thread, asleep until the kernel has news; at most two descriptors a container.
class OomWatch {
 public:
  OomWatch();
  ~OomWatch();
  OomWatch(const OomWatch&) = delete;
  OomWatch& operator=(const OomWatch&) = delete;

  /// Watches a container's memory cgroup (v1: its OOM notifications, v2: memory.events). Fine if it
  /// is watched already.
  [[nodiscard]] base::Status Watch(const std::string& container_id, const CgroupFolders& folders);

  /// Whether the killer has hit the container since Watch. Looks once more, so that the answer is
  /// right as soon as the container is known to have ended.
  [[nodiscard]] bool WasHit(const std::string& container_id);

  void Forget(const std::string& container_id);

 private:
  struct Watched;

  void Run(const std::stop_token& stop);

  base::UniqueFd epoll_;
  base::UniqueFd wake_;
  base::Guarded<std::map<std::string, std::unique_ptr<Watched>>> watched_;
  std::jthread thread_;
};

}  // namespace dockershimd::shim::linuxos
