#include "log_reading.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>
#include <thread>

#include "base/file.h"
#include "base/time.h"

namespace dockershimd::bench {
namespace {

using std::chrono::nanoseconds;

constexpr std::chrono::milliseconds kLook(1);
constexpr std::chrono::minutes kLimit(2);
/// The last line, and what a log's format adds to it.
constexpr std::size_t kEndSize = 512;

/// The number behind `mark`.
std::optional<std::int64_t> NumberBehind(std::string_view text, std::string_view mark) {
  const auto at = text.find(mark);
  if (at == std::string_view::npos) return std::nullopt;
  text.remove_prefix(at + mark.size());
  std::int64_t number = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  return read.ec == std::errc() ? std::optional(number) : std::nullopt;
}

std::optional<LogTimes> TimesAtEnd(std::string_view text) {
  const auto start = NumberBehind(text, "end-of-log ");
  if (!start || !text.ends_with('\n')) return std::nullopt;
  return LogTimes{nanoseconds(base::WallClockNow() - *start), {}};
}

/// Calls `look` each millisecond until it has a result.
template <class Look>
base::Result<LogTimes> LookUntilEnd(const std::filesystem::path& path, const Look& look) {
  const auto deadline = std::chrono::steady_clock::now() + kLimit;
  while (std::chrono::steady_clock::now() < deadline) {
    if (auto times = look()) return *std::move(times);
    std::this_thread::sleep_for(kLook);
  }
  return base::Fail(base::Code::kDeadlineExceeded, "{} does not end", path.string());
}

/// The file at a path that may be replaced by another.
class GrowingFile {
 public:
  explicit GrowingFile(std::filesystem::path path) : path_(std::move(path)) {}

  /// Appends what is new.
  void Read(std::string& text) {
    const bool replaced = IsReplaced();
    ReadRest(text);
    if (!replaced) return;
    auto fd = base::OpenFile(path_, O_RDONLY);
    if (!fd) return;
    fd_ = std::move(*fd);
    ReadRest(text);
  }

 private:
  bool IsReplaced() const {
    struct stat now = {};
    struct stat open = {};
    if (::stat(path_.c_str(), &now) != 0) return false;
    return !fd_ || ::fstat(fd_.Get(), &open) != 0 || open.st_ino != now.st_ino;
  }

  void ReadRest(std::string& text) {
    if (!fd_) return;
    constexpr std::size_t kStep = 64 << 10;
    while (true) {
      const std::size_t before = text.size();
      text.resize(before + kStep);
      const ssize_t count = ::read(fd_.Get(), text.data() + before, kStep);
      text.resize(before + static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
      if (count <= 0) return;
    }
  }

  std::filesystem::path path_;
  base::UniqueFd fd_;
};

}  // namespace

base::Result<LogTimes> AwaitEndOfLog(const std::filesystem::path& path) {
  return LookUntilEnd(path, [&]() -> std::optional<LogTimes> {
    // Opened anew: it may be rotated.
    const auto fd = base::OpenFile(path, O_RDONLY);
    struct stat status = {};
    if (!fd || ::fstat(fd->Get(), &status) != 0) return std::nullopt;
    std::string end(kEndSize, '\0');
    const auto from = std::max<off_t>(0, status.st_size - static_cast<off_t>(kEndSize));
    const ssize_t count = ::pread(fd->Get(), end.data(), end.size(), from);
    if (count <= 0) return std::nullopt;
    end.resize(static_cast<std::size_t>(count));
    return TimesAtEnd(end);
  });
}

base::Result<LogTimes> FollowLog(const std::filesystem::path& path) {
  GrowingFile file(path);
  std::string text;
  std::vector<double> lags;
  return LookUntilEnd(path, [&]() -> std::optional<LogTimes> {
    file.Read(text);
    const auto now = base::WallClockNow();
    auto times = TimesAtEnd(text);
    std::size_t start = 0;
    for (auto end = text.find('\n'); end != std::string::npos; end = text.find('\n', start)) {
      const auto time = NumberBehind(std::string_view(text).substr(start, end - start), "time=");
      if (time) lags.push_back(static_cast<double>(now - *time) / 1e6);
      start = end + 1;
    }
    text.erase(0, start);
    if (times) times->lags_ms = std::move(lags);
    return times;
  });
}

}  // namespace dockershimd::bench
