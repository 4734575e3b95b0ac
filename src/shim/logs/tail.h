#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>

#include "base/result.h"
#include "shim/logs/cri_file.h"
#include "shim/logs/position.h"
#include "shim/logs/source.h"

namespace dockershimd::shim::logs {

/// What all tails of a pipeline have done so far.
struct Counters {
  std::atomic<std::uint64_t> lines = 0;
  std::atomic<std::uint64_t> bytes = 0;
  std::atomic<std::uint64_t> bad_records = 0;
  std::atomic<std::uint64_t> gaps = 0;
  std::atomic<std::uint64_t> failures = 0;
  std::atomic<std::int64_t> lag_nanos = 0;
};

/// One container's log on its way from the source to the CRI file. Belongs to the pipeline's
/// thread.
class Tail {
 public:
  using Clock = std::chrono::steady_clock;
  using SourceFactory = std::function<std::unique_ptr<Source>(const SourcePosition&)>;

  Tail(std::string description, std::string cri_log, std::string position_file,
       SourceFactory make_source, Counters& counters);

  /// Goes on from the remembered position, or begins. Does nothing if it is open.
  [[nodiscard]] base::Status Open();

  /// Moves one batch; opens the tail first if that is still to do. A failure has been reported;
  /// nothing is lost, try again after RetryDelay().
  [[nodiscard]] base::Result<Progress> Pump(Batch& batch);
  [[nodiscard]] Clock::duration RetryDelay() const { return retry_delay_; }

  /// Goes on in the file that is at the path now; makes it if there is none.
  [[nodiscard]] base::Status Reopen();
  /// Docker may have begun a new file.
  void NoticeRotation();
  /// The container has ended: Pump() says kEnd behind its last line.
  void Finish();
  /// The container runs again.
  void Continue();
  /// Closes files that the next batch will open again.
  void Rest();

 private:
  [[nodiscard]] base::Status OpenCri();
  /// What becomes of a batch if the CRI file could not be opened.
  [[nodiscard]] base::Result<Progress> Unopened(const base::Error& error);
  [[nodiscard]] base::Status BeginCri();
  [[nodiscard]] base::Status AdoptCri(const base::Status& opened);
  void GoBackIfLost();
  base::Status Write(const Batch& batch);
  void Save();
  std::unexpected<base::Error> Failed(const base::Error& error);

  const std::string description_;
  CriFile cri_;
  PositionFile position_file_;
  const SourceFactory make_source_;
  Counters& counters_;
  std::unique_ptr<Source> source_;
  Position position_;
  Clock::duration retry_delay_{0};  ///< not zero: it fails
  bool position_fails_ = false;
  bool finishing_ = false;
  bool deleted_ = false;  ///< the CRI file, and the container has ended
};

}  // namespace dockershimd::shim::logs
