#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "shim/logs/position.h"

namespace dockershimd::shim::logs {

/// What one read brings: whole CRI lines, ready to be written at once. Shared by all containers, so
/// that only its owner needs the memory.
struct Batch {
  std::string lines;
  std::uint64_t records = 0;
  std::uint64_t bad_records = 0;  ///< what was no record of Docker's and is left out
  std::uint64_t gaps = 0;         ///< how often Docker had dropped lines before they were read
  std::vector<char> buffer;       ///< room for what is read

  /// Empties it and keeps its memory.
  void Clear() {
    lines.clear();
    records = bad_records = gaps = 0;
  }
};

enum class Progress : std::uint8_t {
  kMore,  ///< there is more to read now
  kIdle,  ///< not now; something will be heard when there is
  kEnd,   ///< the container has ended and this was all of it
};

/// Where the log of one container comes from. Belongs to the pipeline's thread.
class Source {
 public:
  virtual ~Source() = default;

  /// Appends the lines behind Position(), up to a bounded amount, to an empty batch. Reads the same
  /// again until Commit(). An error is one of this machine's (no descriptors left, a broken disk):
  /// nothing is lost, read again later.
  [[nodiscard]] virtual base::Result<Progress> Read(Batch& batch) = 0;
  /// The last batch has been written.
  virtual void Commit() = 0;
  [[nodiscard]] virtual SourcePosition Position() const = 0;
  /// Goes on from another position, where that can still be had.
  virtual void Seek(const SourcePosition& position) = 0;

  /// Docker may have begun a new file.
  virtual void NoticeRotation() {}
  /// The container has ended: reads what is there and then says kEnd.
  virtual void Finish() = 0;
  /// Docker has started the container again: it has not ended after all.
  virtual void Continue() = 0;
  /// Nothing has come for a while: lets go of files.
  virtual void Rest() {}
};

/// Drops lines up to the one at which reading stopped before, known by its time alone.
class ResumeFilter {
 public:
  ResumeFilter() = default;
  ResumeFilter(base::UnixNanos time, std::uint64_t count) : time_(time), left_(count) {}

  [[nodiscard]] bool IsActive() const { return time_ != 0; }
  [[nodiscard]] base::UnixNanos Time() const { return time_; }
  [[nodiscard]] std::uint64_t Left() const { return left_; }
  /// True if a line of this time is new.
  [[nodiscard]] bool Passes(base::UnixNanos time) {
    if (!IsActive()) return true;
    if (time < time_) return false;
    if (time == time_ && left_ > 0) {
      --left_;
      return false;
    }
    if (time > time_) time_ = 0;
    return true;
  }

 private:
  base::UnixNanos time_ = 0;
  std::uint64_t left_ = 0;
};

}  // namespace dockershimd::shim::logs
