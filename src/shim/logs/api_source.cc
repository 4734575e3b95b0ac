#include "shim/logs/api_source.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "shim/logs/record.h"

namespace dockershimd::shim::logs {
namespace {

using dockerapi::OutputStream;

/// Docker's buffer for one line.
constexpr std::size_t kPartSize = 16384;
constexpr std::size_t kReceivedLimit = 1 << 20;
constexpr std::chrono::milliseconds kFirstRetry(100);
constexpr std::chrono::seconds kLastRetry(5);

}  // namespace

void ApiLines::Feed(OutputStream stream, std::string_view bytes) {
  std::string& pending = pending_[stream == OutputStream::kStderr ? 1 : 0];
  while (true) {
    const auto newline = bytes.find('\n');
    if (newline == std::string_view::npos) break;
    pending.append(bytes.substr(0, newline + 1));
    bytes.remove_prefix(newline + 1);
    HandOver(stream, pending);
    pending.clear();
  }
  pending.append(bytes);
  HandOverParts(stream, pending);
}

/// A line may never end: what is complete of it must not pile up.
void ApiLines::HandOverParts(OutputStream stream, std::string& pending) {
  const auto space = pending.find(' ');
  if (space == std::string::npos) return;
  const std::string head = pending.substr(0, space + 1);
  const std::size_t part = head.size() + kPartSize;
  std::size_t done = 0;
  while (pending.size() >= done + part + head.size() &&
         pending.compare(done + part, head.size(), head) == 0) {
    HandOverPart(stream, std::string_view(head).substr(0, space),
                 std::string_view(pending).substr(done + head.size(), kPartSize));
    done += part;
  }
  pending.erase(0, done);
}

void ApiLines::Flush() {
  for (const auto stream : {OutputStream::kStdout, OutputStream::kStderr}) {
    std::string& pending = pending_[stream == OutputStream::kStderr ? 1 : 0];
    if (!pending.empty()) HandOver(stream, pending);
    pending.clear();
  }
}

void ApiLines::HandOver(OutputStream stream, std::string_view line) {
  const auto space = line.find(' ');
  if (space == std::string_view::npos) return;
  // With its space, as it stands before each part.
  const auto head = line.substr(0, space + 1);
  line.remove_prefix(head.size());
  while (line.size() > kPartSize && line.substr(kPartSize).starts_with(head)) {
    HandOverPart(stream, head.substr(0, space), line.substr(0, kPartSize));
    line.remove_prefix(kPartSize + head.size());
  }
  HandOverPart(stream, head.substr(0, space), line);
}

void ApiLines::HandOverPart(OutputStream stream, std::string_view time, std::string_view text) {
  const auto nanos = base::ParseRfc3339(time);
  if (!nanos) return;
  line_.clear();
  AppendLine(time, stream == OutputStream::kStderr ? "stderr" : "stdout", text, line_);
  on_line_(*nanos, line_);
}

ApiSource::ApiSource(Container container, dockerapi::Client& docker, std::function<void()> on_ready,
                     const SourcePosition& from)
    : container_(std::move(container)),
      docker_(docker),
      on_ready_(std::move(on_ready)),
      position_(from) {
  Start();
}

void ApiSource::Start() {
  received_.position = position_;
  thread_ = std::jthread([this](const std::stop_token& stop) { Follow(stop); });
}

base::Result<Progress> ApiSource::Read(Batch& batch) {
  const std::lock_guard lock(mutex_);
  batch.lines = received_.lines;
  batch.records = received_.records;
  read_to_ = received_.position;
  read_size_ = received_.lines.size();
  read_records_ = received_.records;
  if (received_.ended && received_.finishing) return Progress::kEnd;
  // What comes before Commit finds the lines not empty and signals nothing: looks once more.
  return received_.lines.empty() ? Progress::kIdle : Progress::kMore;
}

void ApiSource::Commit() {
  position_ = read_to_;
  {
    const std::lock_guard lock(mutex_);
    received_.lines.erase(0, std::exchange(read_size_, 0));
    received_.records -= std::exchange(read_records_, 0);
  }
  changed_.notify_all();
}

void ApiSource::Seek(const SourcePosition& position) {
  const bool finishing = [&] {
    const std::lock_guard lock(mutex_);
    return received_.finishing;
  }();
  thread_ = {};
  position_ = position;
  received_ = {};
  received_.finishing = finishing;
  Start();
}

void ApiSource::Finish() {
  {
    const std::lock_guard lock(mutex_);
    received_.finishing = true;
  }
  changed_.notify_all();
}

void ApiSource::Continue() {
  {
    const std::lock_guard lock(mutex_);
    if (!std::exchange(received_.finishing, false) || !received_.ended) return;
  }
  // Its thread has ended too.
  Seek(position_);
}

void ApiSource::Follow(const std::stop_token& stop) {
  std::chrono::milliseconds delay = kFirstRetry;
  while (!stop.stop_requested()) {
    std::unique_lock lock(mutex_);
    const bool last_time = received_.finishing;
    const auto before = received_.position.last_time;
    lock.unlock();
    const Outcome outcome = FollowOnce(stop, last_time);
    lock.lock();
    // All was read after the container's end, unless it has been started again meanwhile.
    const bool all = outcome == Outcome::kReadAll && last_time && received_.finishing;
    received_.ended = all || outcome == Outcome::kNothingMore;
    if (received_.ended) break;
    delay = received_.position.last_time != before
                ? kFirstRetry
                : std::min<std::chrono::milliseconds>(delay * 2, kLastRetry);
    changed_.wait_for(lock, stop, delay, [&] { return received_.finishing && !last_time; });
  }
  on_ready_();
}

ApiSource::Outcome ApiSource::FollowOnce(const std::stop_token& stop, bool last_time) {
  ResumeFilter filter;
  dockerapi::LogOptions options;
  options.follow = !last_time;
  {
    const std::lock_guard lock(mutex_);
    options.since = received_.position.last_time;
    filter = ResumeFilter(received_.position.last_time, received_.position.last_count);
  }
  base::CallContext context;
  context.stop = stop;
  ApiLines lines(
      [&](base::UnixNanos time, const std::string& line) { Take(stop, filter, time, line); });
  const auto status = docker_.StreamLogs(context, container_.id, container_.tty, options,
                                         [&](OutputStream stream, std::string_view bytes) {
                                           lines.Feed(stream, bytes);
                                           return !stop.stop_requested();
                                         });
  if (stop.stop_requested()) return Outcome::kTryAgain;
  if (status) {
    lines.Flush();
    failed_ = false;
    return Outcome::kReadAll;
  }
  return IsWorthAnotherTry(status.error()) ? Outcome::kTryAgain : Outcome::kNothingMore;
}

bool ApiSource::IsWorthAnotherTry(const base::Error& error) {
  if (error.code == base::Code::kNotFound) return false;
  const bool never = error.code == base::Code::kUnimplemented;
  if (never) {
    spdlog::warn("log of {} stays empty, its log driver cannot be read: {}", container_.description,
                 error.message);
  } else if (!std::exchange(failed_, true)) {
    spdlog::warn("log of {} cannot be read through Docker's API, trying again: {}",
                 container_.description, error.message);
  }
  return !never;
}

void ApiSource::Take(const std::stop_token& stop, ResumeFilter& filter, base::UnixNanos time,
                     const std::string& line) {
  if (!filter.Passes(time)) return;
  std::unique_lock lock(mutex_);
  changed_.wait(lock, stop, [&] { return received_.lines.size() < kReceivedLimit; });
  if (stop.stop_requested()) return;
  const bool first = received_.lines.empty();
  auto& position = received_.position;
  if (time > position.last_time) position.last_count = 0;
  if (time >= position.last_time) {
    position.last_time = time;
    ++position.last_count;
  }
  received_.lines += line;
  ++received_.records;
  lock.unlock();
  if (first) on_ready_();
}

}  // namespace dockershimd::shim::logs
