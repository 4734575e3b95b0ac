#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "base/call_context.h"
#include "base/result.h"
#include "dockerapi/client.h"

namespace dockershimd::shim::logs {

/// One container's log: where Docker writes it and where kubelet wants to read it.
struct LogStream {
  // Strings, since a std::filesystem::path takes as much again for each of its parts.
  std::string container_id;
  std::string description;  ///< for our own log lines: "namespace/pod/container"
  std::string docker_log;   ///< inspect's LogPath; empty with another log driver
  std::string cri_log;      ///< absolute; its folder is made if missing
  bool tty = false;
};

struct LogOptions {
  std::filesystem::path state_dir;  ///< positions are kept below <state_dir>/logs
};

/// What the pipeline has done since it began, for metrics.
struct LogStatistics {
  std::uint64_t followed = 0;       ///< containers now
  std::uint64_t lines = 0;          ///< written
  std::uint64_t bytes = 0;          ///< written
  std::uint64_t failures = 0;       ///< writes that failed and were repeated (a full disk)
  std::uint64_t bad_records = 0;    ///< in Docker's files, left out
  std::uint64_t gaps = 0;           ///< how often Docker dropped lines before they were read
  std::chrono::nanoseconds lag{0};  ///< from Docker's time stamp to our write, of the last batch
};

/// Turns Docker's log files into CRI log files, for all containers of the node. Thread-safe. One
/// thread of its own; idle containers cost nothing. Goes on at once with what an earlier daemon
/// followed.
class LogPipeline {
 public:
  LogPipeline(LogOptions options, dockerapi::Client& docker);
  /// Stops at once; what was not written yet is found again by the remembered positions.
  ~LogPipeline();
  LogPipeline(const LogPipeline&) = delete;
  LogPipeline& operator=(const LogPipeline&) = delete;

  /// Follows a container's log from where it was left, or from its beginning. The CRI file exists
  /// when this returns. If the container is followed already, goes on, even if it was to finish:
  /// Docker can start a container again.
  [[nodiscard]] base::Status Follow(const LogStream& stream);

  /// As Follow, of a container that has run before: does not wait, and a CRI file that cannot be
  /// opened is tried again until it can. `runs` is false for one that has ended: what is left of
  /// its log is written, unless kubelet has deleted the CRI file.
  void Resume(const LogStream& stream, bool runs);

  /// CRI ReopenContainerLog: kubelet has renamed the file; goes on in a new one. When it returns,
  /// the new file exists and nothing more is written to the old one.
  [[nodiscard]] base::Status Reopen(const std::string& container_id);

  /// The container has ended: writes what is left, then closes its files. Does not wait.
  void Finish(const std::string& container_id);

  /// As Finish, and waits until all is written or the context ends.
  [[nodiscard]] base::Status FinishAndWait(const base::CallContext& context,
                                           const std::string& container_id);

  /// The container has been removed: writes what is left in files that are still open, for up to
  /// half a minute if that fails, then drops the remembered position. Does not wait.
  void Forget(const std::string& container_id);

  /// All containers that Docker has have been resumed or followed: forgets the others that an
  /// earlier daemon followed.
  void ForgetUnconfirmed();

  [[nodiscard]] LogStatistics Statistics() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace dockershimd::shim::logs
