#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "base/unique_fd.h"

namespace dockershimd::shim::logs {

/// Up to where a container's log has been read at its source.
struct SourcePosition {
  // From Docker's file:
  std::uint64_t inode = 0;   ///< 0: nothing was read yet
  std::uint64_t offset = 0;  ///< always behind a newline
  /// Of the bytes before `offset`, which end in the last record's time: tells whether it is still
  /// the same content, even if the file was truncated or its inode used again.
  std::uint64_t mark = 0;
  // From Docker's API, or where all that is known is what the CRI file ends with:
  base::UnixNanos last_time = 0;  ///< of the last line; 0: not needed
  std::uint64_t last_count = 0;   ///< how many lines had that time
};

/// How much of which CRI file has been written.
struct CriPosition {
  std::uint64_t inode = 0;
  std::uint64_t size = 0;
};

/// Both sides of one instant: all that was read up to `source` is in the CRI file, and no more.
struct Position {
  CriPosition cri;
  SourcePosition source;
  /// The instant at which the CRI file before this one was left. Kubelet renames that file back
  /// over the new one when it believes that the rotation failed.
  CriPosition previous_cri;
  SourcePosition previous_source;
};

/// How many bytes before an offset its mark covers; longer than the end of any record from its
/// time on.
inline constexpr std::size_t kMarkSize = 64;

/// The mark of an offset, from the bytes before it: the last kMarkSize, or all if there are fewer.
[[nodiscard]] std::uint64_t MarkOf(std::string_view bytes_before);

/// A position as it is stored, with a checksum.
[[nodiscard]] std::string EncodePosition(const Position& position);
/// Nothing if this is no stored position, or a damaged one.
[[nodiscard]] std::optional<Position> DecodePosition(std::string_view stored);

/// Keeps a container's position over restarts, kill -9 included: one small write in place, which a
/// killed process has made or not. What a power cut leaves of it is noticed and dropped.
class PositionFile {
 public:
  explicit PositionFile(std::string path) : path_(std::move(path)) {}

  [[nodiscard]] std::optional<Position> Load();
  [[nodiscard]] base::Status Save(const Position& position);
  /// Closes the file until the next Save.
  void Rest() { fd_.Reset(); }
  void Remove();

 private:
  std::string path_;
  base::UniqueFd fd_;
};

}  // namespace dockershimd::shim::logs
