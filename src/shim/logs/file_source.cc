#include "shim/logs/file_source.h"

#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <iterator>
#include <span>
#include <thread>
#include <utility>

#include "base/file.h"
#include "shim/logs/record.h"

namespace dockershimd::shim::logs {
namespace {

/// One read. Far above the longest record, which 16 KiB of control characters make (96 KiB).
constexpr std::size_t kReadSize = 256 << 10;
/// Files of one container that Docker has deleted and we keep open until they are read: more would
/// let a container fill the disk behind Docker's back.
constexpr std::ptrdiff_t kMaxDeletedFiles = 32;
/// The highest max-file of Docker's that is looked for; that of our settings.
constexpr int kMaxNames = 1000;
/// So many names missing in a row are the end of them; each rotation under way may hide one.
constexpr int kMissingNames = 3;
/// How often the names are looked through while Docker renames them.
constexpr int kScanAttempts = 10;
/// How often a file that was not among them is looked for.
constexpr int kFindAttempts = 3;

base::Result<std::size_t> ReadAt(const base::UniqueFd& file, std::span<char> into,
                                 std::uint64_t offset) {
  while (true) {
    const ssize_t count = ::pread(file.Get(), into.data(), into.size(), static_cast<off_t>(offset));
    if (count >= 0) return static_cast<std::size_t>(count);
    if (errno != EINTR) return base::Fail(base::ErrnoError(errno, "read Docker's log"));
  }
}

nlink_t NamesOf(const base::UniqueFd& file) {
  struct stat status = {};
  return ::fstat(file.Get(), &status) == 0 ? status.st_nlink : 0;
}

std::size_t MarkLength(std::uint64_t offset) {
  return static_cast<std::size_t>(std::min<std::uint64_t>(offset, kMarkSize));
}

bool HasMark(const base::UniqueFd& file, const SourcePosition& position) {
  std::array<char, kMarkSize> bytes;
  const std::size_t length = MarkLength(position.offset);
  const auto count = ReadAt(file, std::span(bytes).first(length), position.offset - length);
  return count && *count == length && MarkOf({bytes.data(), length}) == position.mark;
}

/// A line of Docker's file that is no usual record. Where a write of Docker's was cut off (its disk
/// was full), the next record stands in the same line.
void ConvertUnusual(std::string_view line, Batch& batch) {
  if (AppendUnusualRecord(line, batch.lines)) {
    ++batch.records;
    return;
  }
  ++batch.bad_records;
  const auto inner = line.rfind(R"({"log":")");
  if (inner == 0 || inner == std::string_view::npos) return;
  if (AppendUnusualRecord(line.substr(inner), batch.lines)) ++batch.records;
}

/// The first line of `bytes`. Returns its length; 0 if it is not whole.
std::size_t ConvertLine(std::string_view bytes, Batch& batch) {
  if (const auto taken = AppendRecord(bytes, batch.lines); taken > 0) {
    ++batch.records;
    return taken;
  }
  const auto newline = bytes.find('\n');
  if (newline == std::string_view::npos) return 0;
  ConvertUnusual(bytes.substr(0, newline), batch);
  return newline + 1;
}

}  // namespace

FileSource::FileSource(std::string description, std::string path, const SourcePosition& from)
    : description_(std::move(description)), path_(std::move(path)), kept_(path_), position_(from) {}

void FileSource::Seek(const SourcePosition& position) {
  files_.clear();
  position_ = position;
}

void FileSource::Commit() {
  position_ = next_;
  gaps_ -= std::exchange(told_gaps_, 0);
}

bool FileSource::Search::Has(std::uint64_t inode) const {
  return std::ranges::any_of(files, [&](const File& file) { return file.inode == inode; });
}

std::string FileSource::NameOf(int index) const {
  return index == 0 ? path_ : fmt::format("{}.{}", path_, index);
}

base::Result<bool> FileSource::OpenOlder(const std::string& name, const IsWanted& is_wanted,
                                         Search& search) {
  auto fd = base::OpenFile(name, O_RDONLY);
  if (!fd && fd.error().code != base::Code::kNotFound) return base::Fail(fd.error());
  struct stat status = {};
  if (!fd || ::fstat(fd->Get(), &status) != 0) return false;
  if (search.Has(status.st_ino)) return true;
  search.files.insert(search.files.begin(), {std::move(*fd), status.st_ino, {}});
  search.found = is_wanted(search.files.front());
  return true;
}

base::Status FileSource::OpenDockers(const IsWanted& is_wanted, Search& search) const {
  for (int attempt = 1;; ++attempt) {
    Search earlier = std::exchange(search, {});
    auto opened = OpenNames(is_wanted, search);
    if (!opened) return opened;
    AddDeleted(std::move(earlier), search);
    // One rotation meanwhile does no harm. Two of them may have given a newer file the name that
    // an older one was looked for by.
    if (attempt == kScanAttempts || IsAmongTheNewest(search)) return {};
  }
}

base::Status FileSource::OpenNames(const IsWanted& is_wanted, Search& search) const {
  // From the newest to the oldest: a rotation meanwhile moves files towards us, so that one may be
  // met twice, but none is missed except a new one, of which we will hear.
  int missing = 0;
  for (int index = 0; missing < kMissingNames && index < kMaxNames && !search.found; ++index) {
    const auto is_there = OpenOlder(NameOf(index), is_wanted, search);
    if (!is_there) return base::Fail(is_there.error());
    missing = *is_there ? 0 : missing + 1;
  }
  return {};
}

bool FileSource::IsAmongTheNewest(const Search& search) const {
  if (search.files.empty()) return true;
  const auto has_name = [&](int index) {
    struct stat status = {};
    return ::stat(NameOf(index).c_str(), &status) == 0 &&
           status.st_ino == search.files.back().inode;
  };
  return has_name(0) || has_name(1);
}

void FileSource::AddDeleted(Search earlier, Search& search) {
  if (search.found) return;
  std::erase_if(earlier.files, [&](const File& file) { return search.Has(file.inode); });
  if (earlier.files.empty()) return;
  search.found = earlier.found;
  search.files.insert(search.files.begin(), std::move_iterator(earlier.files.begin()),
                      std::move_iterator(earlier.files.end()));
}

base::Status FileSource::OpenKept(const IsWanted& is_wanted, Search& search) {
  for (const auto& name : kept_.List()) {
    if (search.found) break;
    const auto is_there = OpenOlder(name, is_wanted, search);
    if (!is_there) return base::Fail(is_there.error());
  }
  return {};
}

base::Status FileSource::OpenFiles() {
  const auto is_ours = [&](const File& file) {
    return file.inode == position_.inode && HasMark(file.fd, position_);
  };
  bool found = false;
  for (int attempt = 1; !found; ++attempt) {
    Search search;
    auto opened = OpenDockers(is_ours, search);
    if (opened && !search.found) opened = OpenKept(is_ours, search);
    if (!opened) return opened;
    files_ = std::move(search.files);
    found = search.found;
    if (found || files_.empty() || position_.inode == 0) break;
    if (attempt == kFindAttempts) {
      ReportGap("Docker has rotated lines away before they were read");
      break;
    }
    // Perhaps it was just being renamed.
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  rotated_ = false;
  if (!found && !files_.empty()) StartFront();
  AdoptKept();
  return {};
}

void FileSource::AdoptKept() {
  for (const auto& name : kept_.List()) {
    struct stat status = {};
    if (::stat(name.c_str(), &status) != 0) continue;
    const auto file = std::find_if(files_.begin(), files_.end(), [&](const File& candidate) {
      return candidate.inode == status.st_ino && candidate.kept.empty();
    });
    if (file == files_.end()) {
      kept_.Release(name);
    } else {
      file->kept = name;
    }
  }
  KeepUnread();
}

void FileSource::KeepUnread() {
  for (std::size_t index = 0; index + 1 < files_.size(); ++index) {
    File& file = files_[index];
    if (file.kept.empty()) file.kept = kept_.Keep(file.fd);
  }
  DropDeletedFiles();
}

void FileSource::PopFront() {
  done_.push_back(std::move(files_.front().kept));
  files_.erase(files_.begin());
  StartFront();
}

void FileSource::StartFront() {
  position_.inode = files_.front().inode;
  position_.offset = 0;
  position_.mark = MarkOf({});
  next_ = position_;
}

void FileSource::ReportGap(std::string_view what) {
  ++gaps_;
  spdlog::warn("log of {}: {}; its log options max-size and max-file say how much is kept",
               description_, what);
}

void FileSource::NoticeRotation() {
  rotated_ = !files_.empty();
  // At once, as Docker may delete them before this log's turn comes. Read() tries again.
  if (rotated_) (void)AddNewFiles();
}

base::Status FileSource::AddNewFiles() {
  const auto newest = files_.back().inode;
  Search search;
  auto opened = OpenDockers([&](const File& file) { return file.inode == newest; }, search);
  if (!opened) return opened;
  rotated_ = false;
  auto& files = search.files;
  if (search.found) {
    files.erase(files.begin());
  } else if (files.size() > 1) {
    ReportGap("Docker rotates faster than we hear of it, lines may be lost");
  }
  std::move(files.begin(), files.end(), std::back_inserter(files_));
  KeepUnread();
  return {};
}

/// The front stays: it is being read.
void FileSource::DropDeletedFiles() {
  const auto is_deleted = [](const File& file) {
    return NamesOf(file.fd) == (file.kept.empty() ? 0 : 1);
  };
  const auto first_kept = std::find_if_not(files_.begin(), files_.end(), is_deleted);
  const auto excess = first_kept - files_.begin() - kMaxDeletedFiles;
  if (excess <= 0) return;
  ReportGap("too far behind, the oldest files are dropped");
  for (auto file = files_.begin() + 1; file != files_.begin() + 1 + excess; ++file) {
    kept_.Release(file->kept);
  }
  files_.erase(files_.begin() + 1, files_.begin() + 1 + excess);
}

base::Result<Progress> FileSource::Read(Batch& batch) {
  for (const auto& name : done_) kept_.Release(name);
  done_.clear();
  base::Status opened;
  if (files_.empty()) {
    opened = OpenFiles();
  } else if (rotated_) {
    opened = AddNewFiles();
  }
  if (!opened) return base::Fail(opened.error());
  next_ = position_;
  batch.gaps = told_gaps_ = gaps_;
  if (files_.empty()) return finishing_ ? Progress::kEnd : Progress::kIdle;
  // Once there is a newer file, Docker has closed this one: its end is final.
  const bool is_closed = files_.size() > 1;
  const auto progress = ReadFront(is_closed, batch);
  if (!progress || *progress != Progress::kEnd) return progress;
  if (is_closed) {
    PopFront();
    return Progress::kMore;
  }
  if (!finishing_) return Progress::kIdle;
  if (auto added = AddNewFiles(); !added) return base::Fail(added.error());
  return files_.size() > 1 ? Progress::kMore : Progress::kEnd;
}

base::Result<Progress> FileSource::ReadFront(bool is_closed, Batch& batch) {
  batch.buffer.resize(kReadSize);
  const std::size_t mark = MarkLength(next_.offset);
  const auto count = ReadAt(files_.front().fd, batch.buffer, next_.offset - mark);
  if (!count) return base::Fail(count.error());
  const std::string_view read(batch.buffer.data(), *count);
  if (*count < mark || MarkOf(read.substr(0, mark)) != next_.mark) {
    return RestartTruncated(is_closed, batch);
  }
  const auto fresh = read.substr(mark);
  if (fresh.empty()) return Progress::kEnd;
  const bool full = *count == kReadSize;
  std::size_t used = ConvertLines(fresh, batch);
  // No record is this long, and in a closed file nothing will complete it.
  if (used == 0 && (full || is_closed)) {
    ++batch.bad_records;
    used = fresh.size();
  }
  if (used == 0) return Progress::kEnd;
  next_.offset += used;
  next_.mark = MarkOf(read.substr(0, mark + used));
  return full || is_closed || finishing_ ? Progress::kMore : Progress::kIdle;
}

base::Result<Progress> FileSource::RestartTruncated(bool is_closed, Batch& batch) {
  ReportGap("Docker has truncated its file, lines may be lost");
  StartFront();
  return ReadFront(is_closed, batch);
}

std::size_t FileSource::ConvertLines(std::string_view bytes, Batch& batch) {
  ResumeFilter filter(next_.last_time, next_.last_count);
  std::size_t used = 0;
  while (used < bytes.size()) {
    const std::size_t before = batch.lines.size();
    const auto taken = ConvertLine(bytes.substr(used), batch);
    if (taken == 0) break;
    used += taken;
    if (!filter.IsActive()) continue;
    const auto time = TimeOfLine(std::string_view(batch.lines).substr(before));
    if (time && !filter.Passes(*time)) batch.lines.resize(before);
  }
  next_.last_time = filter.Time();
  next_.last_count = filter.Left();
  return used;
}

}  // namespace dockershimd::shim::logs
