#include "shim/logs/cri_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <string>

#include "base/file.h"
#include "shim/logs/record.h"

namespace dockershimd::shim::logs {
namespace {

/// Enough for the longest line and a few more.
constexpr std::uint64_t kRecoverySize = 256 << 10;

/// The end of a file, from a line's start on.
std::string ReadEnd(int fd, std::uint64_t size) {
  std::string text(std::min(size, kRecoverySize), '\0');
  const ssize_t count =
      ::pread(fd, text.data(), text.size(), static_cast<off_t>(size - text.size()));
  if (count != static_cast<ssize_t>(text.size())) return {};
  if (text.size() < size) text.erase(0, text.find('\n') + 1);
  return text;
}

}  // namespace

base::Status CriFile::OpenWith(const std::filesystem::path& path, int flags) {
  fd_.Reset();
  // Not through a link: it would lead to the file that Docker itself writes.
  auto fd = base::OpenFile(path, O_RDWR | O_APPEND | O_NOFOLLOW | flags, 0640);
  if (!fd) return base::Fail(fd.error());
  struct stat status = {};
  if (::fstat(fd->Get(), &status) != 0) {
    return base::Fail(base::ErrnoError(errno, "stat " + path.string()));
  }
  fd_ = std::move(*fd);
  position_ = {status.st_ino, static_cast<std::uint64_t>(status.st_size)};
  return {};
}

base::Status CriFile::Open() { return OpenWith(path_, 0); }

base::Status CriFile::OpenRenamed(std::uint64_t inode) {
  const auto renamed = FindRenamed(inode);
  if (renamed) return OpenWith(*renamed, 0);
  return base::Fail(base::Code::kNotFound, "the file before {} is gone", path_);
}

std::optional<std::filesystem::path> CriFile::FindRenamed(std::uint64_t inode) const {
  std::error_code failed;
  const std::filesystem::path path(path_);
  std::filesystem::directory_iterator entry(path.parent_path(), failed);
  // Kubelet appends a time to the name. Another container's file may have this inode by now, or
  // one that kubelet compresses into.
  const std::string prefix = path.filename().string() + ".";
  for (; !failed && entry != std::filesystem::directory_iterator(); entry.increment(failed)) {
    const auto& name = entry->path();
    if (!name.filename().string().starts_with(prefix)) continue;
    if (name.extension() == ".gz" || name.extension() == ".tmp") continue;
    struct stat status = {};
    if (::lstat(name.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) continue;
    if (status.st_ino == inode) return name;
  }
  return std::nullopt;
}

base::Status CriFile::Create() {
  const auto folder = std::filesystem::path(path_).parent_path();
  if (auto made = base::MakeDirectories(folder); !made) return made;
  return OpenWith(path_, O_CREAT | O_EXCL);
}

bool CriFile::IsUsable() const {
  struct stat status = {};
  return fd_ && ::fstat(fd_.Get(), &status) == 0 && status.st_nlink > 0;
}

base::Status CriFile::Append(std::string_view lines) {
  const std::uint64_t before = position_.size;
  if (auto written = base::WriteAll(fd_.Get(), lines, "write " + path_); !written) {
    (void)Truncate(before);
    return written;
  }
  position_.size += lines.size();
  return {};
}

base::Status CriFile::Truncate(std::uint64_t size) {
  if (::ftruncate(fd_.Get(), static_cast<off_t>(size)) != 0) {
    return base::Fail(base::ErrnoError(errno, "truncate " + path_));
  }
  position_.size = size;
  return {};
}

SourcePosition CriFile::RecoverFromLastLines() {
  std::string text = ReadEnd(fd_.Get(), position_.size);
  const auto unfinished = text.size() - (text.rfind('\n') + 1);
  if (unfinished > 0 && !Truncate(position_.size - unfinished)) return {};
  text.resize(text.size() - unfinished);
  SourcePosition found;
  while (!text.empty()) {
    const auto start = text.rfind('\n', text.size() - 2) + 1;
    const auto time = TimeOfLine(std::string_view(text).substr(start));
    if (!time || (found.last_time != 0 && *time != found.last_time)) break;
    found.last_time = *time;
    ++found.last_count;
    text.resize(start);
  }
  return found;
}

}  // namespace dockershimd::shim::logs
