#include "shim/logs/file_source.h"

#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <span>
#include <thread>
#include <utility>

#include "base/file.h"
#include "shim/logs/record.h"

namespace dockershimd::shim::logs {
namespace {

/// One read. Far above the longest record, which 16 KiB of control characters make (96 KiB).
constexpr std::size_t kReadSize = 512 << 10;
/// Files of one container that Docker has deleted and we keep open until they are read: more would
/// let a container fill the disk behind Docker's back.
constexpr std::ptrdiff_t kMaxDeletedFiles = 32;
/// The highest max-file of Docker's that is looked for; that of our settings.
constexpr int kMaxNames = 1000;
/// A gap that a rotation under way may show among the names.
constexpr int kMissingNames = 3;
constexpr int kScanAttempts = 3;

base::Result<std::size_t> ReadAt(const base::UniqueFd& file, std::span<char> into,
                                 std::uint64_t offset) {
  while (true) {
    const ssize_t count = ::pread(file.Get(), into.data(), into.size(), static_cast<off_t>(offset));
    if (count >= 0) return static_cast<std::size_t>(count);
    if (errno != EINTR) return base::Fail(base::ErrnoError(errno, "read Docker's log"));
  }
}

bool IsDeleted(const base::UniqueFd& file) {
  struct stat status = {};
  return ::fstat(file.Get(), &status) == 0 && status.st_nlink == 0;
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

/// One line of Docker's file. Where a write of Docker's was cut off (its disk was full), the next
/// record stands in the same line.
void ConvertRecord(std::string_view line, Batch& batch) {
  if (AppendRecord(line, batch.lines)) {
    ++batch.records;
    return;
  }
  ++batch.bad_records;
  const auto inner = line.rfind(R"({"log":")");
  if (inner == 0 || inner == std::string_view::npos) return;
  if (AppendRecord(line.substr(inner), batch.lines)) ++batch.records;
}

}  // namespace

FileSource::FileSource(std::string description, std::filesystem::path path,
                       const SourcePosition& from)
    : description_(std::move(description)), path_(std::move(path)), position_(from) {}

void FileSource::Seek(const SourcePosition& position) {
  files_.clear();
  position_ = position;
}

base::Result<FileSource::Search> FileSource::OpenBackTo(
    const std::function<bool(const File&)>& is_wanted) const {
  Search search;
  auto& files = search.files;
  // From the newest to the oldest: a rotation meanwhile moves files towards us, so that one may be
  // met twice, but none is missed except a new one, of which we will hear.
  int missing = 0;
  for (int index = 0; missing < kMissingNames && index < kMaxNames; ++index) {
    const auto name = index == 0 ? path_.string() : fmt::format("{}.{}", path_.string(), index);
    auto fd = base::OpenFile(name, O_RDONLY);
    if (!fd && fd.error().code != base::Code::kNotFound) return base::Fail(fd.error());
    struct stat status = {};
    if (!fd || ::fstat(fd->Get(), &status) != 0) {
      ++missing;
      continue;
    }
    const auto is_same = [&](const File& file) { return file.inode == status.st_ino; };
    if (std::any_of(files.begin(), files.end(), is_same)) continue;
    files.push_front({std::move(*fd), status.st_ino});
    search.found = is_wanted(files.front());
    if (search.found) break;
  }
  return search;
}

base::Status FileSource::OpenFiles() {
  const auto is_ours = [&](const File& file) {
    return file.inode == position_.inode && HasMark(file.fd, position_);
  };
  for (int attempt = 1;; ++attempt) {
    auto search = OpenBackTo(is_ours);
    if (!search) return base::Fail(search.error());
    files_ = std::move(search->files);
    rotated_ = false;
    if (search->found || files_.empty()) return {};
    if (position_.inode == 0) break;
    if (attempt == kScanAttempts) {
      ReportGap("Docker has rotated lines away before they were read");
      break;
    }
    // Perhaps it was just being renamed.
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  StartFront();
  return {};
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
  auto search = OpenBackTo([&](const File& file) { return file.inode == newest; });
  if (!search) return base::Fail(search.error());
  rotated_ = false;
  auto& files = search->files;
  if (search->found) {
    files.pop_front();
  } else if (files.size() > 1) {
    ReportGap("Docker rotates faster than we hear of it, lines may be lost");
  }
  std::move(files.begin(), files.end(), std::back_inserter(files_));
  DropDeletedFiles();
  return {};
}

/// The front stays: it is being read.
void FileSource::DropDeletedFiles() {
  const auto first_kept = std::find_if(files_.begin(), files_.end(),
                                       [](const File& file) { return !IsDeleted(file.fd); });
  const auto deleted = first_kept - files_.begin();
  if (deleted <= kMaxDeletedFiles) return;
  ReportGap("too far behind, the oldest files are dropped");
  files_.erase(files_.begin() + 1, files_.begin() + 1 + deleted - kMaxDeletedFiles);
}

base::Result<Progress> FileSource::Read(Batch& batch) {
  base::Status opened;
  if (files_.empty()) {
    opened = OpenFiles();
  } else if (rotated_) {
    opened = AddNewFiles();
  }
  if (!opened) return base::Fail(opened.error());
  if (files_.empty()) return finishing_ ? Progress::kEnd : Progress::kIdle;
  next_ = position_;
  batch.gaps += std::exchange(gaps_, 0);
  // Once there is a newer file, Docker has closed this one: its end is final.
  const bool is_closed = files_.size() > 1;
  const auto progress = ReadFront(is_closed, batch);
  if (!progress || *progress != Progress::kEnd) return progress;
  if (is_closed) {
    files_.pop_front();
    StartFront();
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
  while (true) {
    const auto newline = bytes.find('\n', used);
    if (newline == std::string_view::npos) break;
    const std::size_t before = batch.lines.size();
    ConvertRecord(bytes.substr(used, newline - used), batch);
    used = newline + 1;
    if (!filter.IsActive()) continue;
    const auto time = TimeOfLine(std::string_view(batch.lines).substr(before));
    if (time && !filter.Passes(*time)) batch.lines.resize(before);
  }
  next_.last_time = filter.Time();
  next_.last_count = filter.Left();
  return used;
}

}  // namespace dockershimd::shim::logs
