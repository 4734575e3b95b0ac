#pragma once

#include <deque>
#include <filesystem>
#include <string>

#include "base/unique_fd.h"
#include "shim/logs/source.h"

namespace dockershimd::shim::logs {

/// Docker's json-file log, read from the file. When Docker rotates, the file is renamed to ".1", an
/// older one to ".2" and so on, and a new one is made; each is read to its end before the next.
/// With a single file, old engines truncate it in place.
class FileSource final : public Source {
 public:
  FileSource(std::string description, std::filesystem::path path, const SourcePosition& from);

  Progress Read(Batch& batch) override;
  void Commit() override { position_ = next_; }
  SourcePosition Position() const override { return position_; }
  void Seek(const SourcePosition& position) override;
  void NoticeRotation() override;
  void Finish() override { finishing_ = true; }
  void Rest() override { files_.clear(); }

 private:
  struct File {
    base::UniqueFd fd;
    std::uint64_t inode = 0;
  };
  /// All files that Docker keeps, oldest first.
  [[nodiscard]] std::deque<File> OpenAll() const;
  /// Opens the file that position_ is in, or else the oldest, and those after it.
  bool OpenFiles();
  void StartFront();
  /// Reads the front file; kEnd where nothing was left in it. `is_closed`: Docker writes to it no
  /// more.
  Progress ReadFront(bool is_closed, Batch& batch);
  Progress RestartTruncated(bool is_closed, Batch& batch);
  /// Returns how many bytes it used: whole lines.
  std::size_t ConvertLines(std::string_view bytes, Batch& batch);
  void ReportGap(std::string_view what);

  const std::string description_;
  const std::filesystem::path path_;
  /// The file being read and those after it. The later ones are held open from the moment they are
  /// noticed: Docker may delete them before we come to them.
  std::deque<File> files_;
  SourcePosition position_;  ///< what has been committed; in the front file if one is open
  SourcePosition next_;      ///< what has been read
  std::uint64_t gaps_ = 0;   ///< not yet reported
  bool finishing_ = false;
};

}  // namespace dockershimd::shim::logs
