#pragma once

#include <filesystem>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"
#include "shim/logs/position.h"

namespace dockershimd::shim::logs {

/// The file that kubelet reads, open for appending.
class CriFile {
 public:
  explicit CriFile(std::filesystem::path path) : path_(std::move(path)) {}

  /// Opens the file at the path; makes it, with its folder, if it is not there.
  [[nodiscard]] base::Status Open();
  /// The last Open() made the file: its inode may be that of one deleted before.
  [[nodiscard]] bool WasMade() const { return was_made_; }
  /// Open, and no one has deleted it.
  [[nodiscard]] bool IsUsable() const;
  [[nodiscard]] CriPosition Position() const { return position_; }

  /// Appends all of it or, with an error, nothing.
  [[nodiscard]] base::Status Append(std::string_view lines);
  /// Cuts the file off behind `size` bytes.
  [[nodiscard]] base::Status Truncate(std::uint64_t size);
  void Close() { fd_.Reset(); }

  /// Cuts a file that kubelet has renamed in the same folder, if it is found and longer.
  void TruncateRenamed(const CriPosition& position) const;

  /// Reads the last line's time, and how many lines end the file with it, after dropping an
  /// unfinished line. For when the position was lost.
  [[nodiscard]] SourcePosition RecoverFromLastLines();

 private:
  std::filesystem::path path_;
  base::UniqueFd fd_;
  CriPosition position_;
  bool was_made_ = false;
};

}  // namespace dockershimd::shim::logs
