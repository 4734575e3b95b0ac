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

  Tail(std::string description, std::filesystem::path cri_log, std::filesystem::path position_file,
       Counters& counters);

  /// Goes on from the remembered position, or begins.
  [[nodiscard]] base::Status Open(const SourceFactory& make_source);

  /// Moves one batch. A failure has been reported; nothing is lost, try again after RetryDelay().
  [[nodiscard]] base::Result<Progress> Pump(Batch& batch);
  [[nodiscard]] Clock::duration RetryDelay() const { return retry_delay_; }

  /// Goes on in the file that is at the path now; makes it if there is none.
  [[nodiscard]] base::Status Reopen();
  /// Closes files that the next batch will open again.
  void Rest();

  [[nodiscard]] Source& From() { return *source_; }

 private:
  [[nodiscard]] base::Status OpenCri();
  [[nodiscard]] base::Status BeginCri();
  [[nodiscard]] base::Status AdoptCri(const base::Status& opened);
  base::Status Write(const Batch& batch);
  void Save();
  std::unexpected<base::Error> Failed(const base::Error& error);

  const std::string description_;
  CriFile cri_;
  PositionFile position_file_;
  Counters& counters_;
  std::unique_ptr<Source> source_;
  Position position_;
  Clock::duration retry_delay_{0};  ///< not zero: it fails
  bool position_fails_ = false;
};

}  // namespace dockershimd::shim::logs
