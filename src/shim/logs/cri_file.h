#pragma once

#include <filesystem>
#include <optional>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"
#include "shim/logs/position.h"

namespace dockershimd::shim::logs {

/// The file that kubelet reads, open for appending.
class CriFile {
 public:
  explicit CriFile(std::string path) : path_(std::move(path)) {}

  /// Opens the file at the path. kNotFound: there is none.
  [[nodiscard]] base::Status Open();
  /// Opens the file of this inode in the same folder: kubelet has renamed it and not yet said so.
  [[nodiscard]] base::Status OpenRenamed(std::uint64_t inode);
  /// The name that kubelet's rotation has given the file of this inode, if it is still there.
  [[nodiscard]] std::optional<std::filesystem::path> FindRenamed(std::uint64_t inode) const;
  /// Makes the file at the path, and its folder. It must not exist.
  [[nodiscard]] base::Status Create();

  [[nodiscard]] bool IsOpen() const { return fd_.IsOpen(); }
  /// Open, and no one has deleted it.
  [[nodiscard]] bool IsUsable() const;
  [[nodiscard]] CriPosition Position() const { return position_; }

  /// Appends all of it or, with an error, nothing.
  [[nodiscard]] base::Status Append(std::string_view lines);
  /// Cuts the file off behind `size` bytes.
  [[nodiscard]] base::Status Truncate(std::uint64_t size);
  void Close() { fd_.Reset(); }

  /// Reads the last line's time, and how many lines end the file with it, after dropping an
  /// unfinished line. For when the position was lost.
  [[nodiscard]] SourcePosition RecoverFromLastLines();

 private:
  base::Status OpenWith(const std::filesystem::path& path, int flags);

  std::string path_;
  base::UniqueFd fd_;
  CriPosition position_;
};

}  // namespace dockershimd::shim::logs
