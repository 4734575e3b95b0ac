#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "shim/logs/kept_files.h"
#include "shim/logs/source.h"

namespace dockershimd::shim::logs {

/// Docker's json-file log, read from the file. When Docker rotates, the file is renamed to ".1", an
/// older one to ".2" and so on, and a new one is made; each is read to its end before the next.
/// With a single file, old engines truncate it in place.
class FileSource final : public Source {
 public:
  FileSource(std::string description, std::string path, const SourcePosition& from);

  base::Result<Progress> Read(Batch& batch) override;
  void Commit() override;
  SourcePosition Position() const override { return position_; }
  void Seek(const SourcePosition& position) override;
  void NoticeRotation() override;
  void Finish() override { finishing_ = true; }
  void Continue() override { finishing_ = false; }
  void Rest() override { files_.clear(); }

 private:
  struct File {
    base::UniqueFd fd;
    std::uint64_t inode = 0;
    std::string kept;  ///< our own name for it, if it has one
  };
  struct Search {
    std::vector<File> files;  ///< oldest first
    bool found = false;       ///< the oldest is the one that was looked for
    [[nodiscard]] bool Has(std::uint64_t inode) const;
  };
  using IsWanted = std::function<bool(const File&)>;

  /// Docker's name for a file, 0 for the newest.
  [[nodiscard]] std::string NameOf(int index) const;
  // From the newest file back to the one that is wanted:
  [[nodiscard]] base::Status OpenDockers(const IsWanted& is_wanted, Search& search) const;
  [[nodiscard]] base::Status OpenNames(const IsWanted& is_wanted, Search& search) const;
  /// Whether at most one rotation came since its newest file was met.
  [[nodiscard]] bool IsAmongTheNewest(const Search& search) const;
  /// Puts in front what an earlier look has met and Docker has deleted since: the oldest.
  static void AddDeleted(Search earlier, Search& search);
  [[nodiscard]] base::Status OpenKept(const IsWanted& is_wanted, Search& search);
  /// Adds the file of this name to the front, unless it is there. False: there is no such file.
  [[nodiscard]] static base::Result<bool> OpenOlder(const std::string& name,
                                                    const IsWanted& is_wanted, Search& search);
  /// Opens the file that position_ is in, or else the oldest, and those after it; none if Docker
  /// has none.
  base::Status OpenFiles();
  /// Opens what is newer than the newest file that is open.
  base::Status AddNewFiles();
  /// Sees to it that rotated files stay until they are read.
  void KeepUnread();
  /// After OpenFiles: what an earlier daemon has kept is ours, or has been read already and goes.
  void AdoptKept();
  void DropDeletedFiles();
  void PopFront();
  void StartFront();
  /// Reads the front file; kEnd where nothing was left in it. `is_closed`: Docker writes to it no
  /// more.
  base::Result<Progress> ReadFront(bool is_closed, Batch& batch);
  base::Result<Progress> RestartTruncated(bool is_closed, Batch& batch);
  /// Returns how many bytes it used: whole lines.
  std::size_t ConvertLines(std::string_view bytes, Batch& batch);
  void ReportGap(std::string_view what);

  const std::string description_;
  const std::string path_;
  KeptFiles kept_;
  /// The file being read and those after it. The later ones are held open from the moment they are
  /// noticed: Docker may delete them before we come to them.
  std::vector<File> files_;
  SourcePosition position_;  ///< what has been committed; in the front file if one is open
  SourcePosition next_;      ///< what has been read
  /// Read to their end; released when the position behind them has been saved.
  std::vector<std::string> done_;
  std::uint64_t gaps_ = 0;       ///< that no written batch has told of
  std::uint64_t told_gaps_ = 0;  ///< of them, those in the last batch
  bool rotated_ = false;         ///< Docker has newer files than files_
  bool finishing_ = false;
};

}  // namespace dockershimd::shim::logs
