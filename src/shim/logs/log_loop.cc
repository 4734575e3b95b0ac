#include "shim/logs/log_loop.h"

#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "base/file.h"
#include "shim/logs/api_source.h"
#include "shim/logs/file_source.h"
#include "shim/logs/stream_file.h"

namespace dockershimd::shim::logs {
namespace {

/// Rounds through what Docker has written begin so far apart: one wake-up and one batch for many
/// lines.
constexpr std::chrono::milliseconds kGather(10);
/// Who writes more than this in a round is looked at in the next one without being told of each
/// write, which would cost dockerd a third of what a log costs it.
constexpr std::size_t kLoud = 8 << 10;
/// How long Work() may go on while others wait for the thread.
constexpr std::chrono::milliseconds kSlice(5);
/// How long a container's files stay open after its last line.
constexpr std::chrono::seconds kRestAfter(5);
/// How long the log of a removed container may take to be written.
constexpr std::chrono::seconds kRemovedLimit(30);
/// Of the file that remembers a stream, after its container's id.
constexpr std::string_view kStreamSuffix = ".stream";

/// Without a path's object, which splits it into all its parts: asked for at each event.
std::string_view FileName(std::string_view path) { return path.substr(path.rfind('/') + 1); }

}  // namespace

LogLoop::LogLoop(std::filesystem::path position_folder, dockerapi::Client& docker,
                 Counters& counters, Signals signals)
    : position_folder_(std::move(position_folder)),
      docker_(docker),
      counters_(counters),
      signals_(std::move(signals)) {}

std::pair<LogLoop::Entries::iterator, bool> LogLoop::Enter(const LogStream& stream) {
  const std::string& id = stream.container_id;
  const auto found = followed_.find(id);
  if (found != followed_.end()) return {found, false};
  const auto make_source = [this, stream](const SourcePosition& from) {
    return MakeSource(stream, from);
  };
  // Not synced: after a power cut Docker will say what there is.
  const auto file = base::OpenFile(StreamFile(id), O_WRONLY | O_CREAT | O_TRUNC);
  if (file) (void)base::WriteAll(file->Get(), EncodeStream(stream), "remember log");
  return followed_.try_emplace(
      id, Tail(stream.description, stream.cri_log, position_folder_ / id, make_source, counters_));
}

std::filesystem::path LogLoop::StreamFile(const std::string& id) const {
  return position_folder_ / (id + std::string(kStreamSuffix));
}

void LogLoop::RemoveState(const std::string& id) const {
  PositionFile(position_folder_ / id).Remove();
  ::unlink(StreamFile(id).c_str());
}

std::vector<std::string> LogLoop::ResumeRemembered() {
  std::error_code failed;
  std::filesystem::directory_iterator entry(position_folder_, failed);
  for (; !failed && entry != std::filesystem::directory_iterator(); entry.increment(failed)) {
    std::string id = entry->path().filename();
    if (id.ends_with(kStreamSuffix)) id.resize(id.size() - kStreamSuffix.size());
    unconfirmed_.insert(std::move(id));
  }
  std::vector<std::string> resumed;
  for (const auto& id : unconfirmed_) {
    const auto stored = base::ReadFile(StreamFile(id));
    const auto stream = stored ? DecodeStream(id, *stored) : std::nullopt;
    // Without its files there may be nothing to go on with: that is for Docker to say.
    if (!stream || !std::filesystem::exists(stream->docker_log, failed)) continue;
    if (!std::filesystem::is_regular_file(stream->cri_log, failed)) continue;
    (void)Enter(*stream);
    MakeDue(id);
    resumed.push_back(id);
  }
  return resumed;
}

void LogLoop::ForgetUnconfirmed() {
  for (const auto& id : std::exchange(unconfirmed_, {})) Forget(id);
}

base::Status LogLoop::Follow(const LogStream& stream) {
  unconfirmed_.erase(stream.container_id);
  const auto [entry, is_new] = Enter(stream);
  Tail& tail = entry->second.tail;
  tail.Continue();
  auto opened = tail.Open();
  if (opened) {
    MakeDue(stream.container_id);
  } else if (is_new) {
    followed_.erase(entry);
    RemoveState(stream.container_id);
  }
  return opened;
}

void LogLoop::Resume(const LogStream& stream, bool runs) {
  unconfirmed_.erase(stream.container_id);
  Tail& tail = Enter(stream).first->second.tail;
  if (runs) {
    tail.Continue();
  } else {
    tail.Finish();
  }
  MakeDue(stream.container_id);
}

std::unique_ptr<Source> LogLoop::MakeSource(const LogStream& stream, const SourcePosition& from) {
  const std::string& id = stream.container_id;
  std::string reason = "its log driver is not json-file";
  if (!stream.docker_log.empty()) {
    Followed& followed = followed_.at(id);
    followed.docker_log = stream.docker_log;
    const auto heard = Listen(id, followed, FolderWatch::Events::kNewFilesAndWrites);
    if (heard) return std::make_unique<FileSource>(stream.description, stream.docker_log, from);
    reason = heard.error().message;
  }
  spdlog::warn(
      "log of {} comes through Docker's API ({}): that costs the engine about 40 ms of CPU per MiB "
      "and a connection, and reading the json-file driver's file nothing",
      stream.description, reason);
  return std::make_unique<ApiSource>(
      ApiSource::Container{id, stream.description, stream.tty}, docker_,
      [this, id] { signals_.ready(id); }, from);
}

base::Status LogLoop::Reopen(const std::string& id) {
  const auto found = followed_.find(id);
  if (found == followed_.end()) {
    return base::Fail(base::Code::kNotFound, "the log of container {} is not being written", id);
  }
  auto reopened = found->second.tail.Reopen();
  MarkOpen(found->second);
  MakeDue(id);
  return reopened;
}

void LogLoop::Finish(const std::string& id) {
  const auto found = followed_.find(id);
  if (found == followed_.end()) return;
  found->second.tail.Finish();
  MakeDue(id);
}

void LogLoop::Forget(const std::string& id) {
  const auto found = followed_.find(id);
  if (found == followed_.end()) {
    RemoveState(id);
    return;
  }
  // Docker's files are deleted, but not gone as long as they are open here.
  found->second.tail.Finish();
  found->second.give_up = Clock::now() + kRemovedLimit;
  timers_.emplace(*found->second.give_up, id);
  MakeDue(id);
}

void LogLoop::Drop(Entries::iterator found) {
  const std::string id = found->first;
  const bool is_removed = found->second.give_up.has_value();
  if (found->second.watch >= 0) {
    watch_.Remove(found->second.watch);
    by_watch_.erase(found->second.watch);
  }
  followed_.erase(found);
  ::unlink(StreamFile(id).c_str());
  if (is_removed) RemoveState(id);
  signals_.ended(id);
}

void LogLoop::MakeDue(const std::string& id) {
  const auto found = followed_.find(id);
  if (found == followed_.end() || found->second.is_due || found->second.is_stalled) return;
  found->second.is_due = true;
  due_.push_back(id);
}

int LogLoop::WaitMillis() const {
  const auto now = Clock::now();
  const bool is_gathering = now < gather_until_;
  if (!due_.empty() || (!touched_.empty() && !is_gathering)) return 0;
  auto until = Clock::time_point::max();
  if (is_gathering) until = gather_until_;
  if (any_open_) until = std::min(until, rest_check_);
  if (!timers_.empty()) until = std::min(until, timers_.begin()->first);
  if (until == Clock::time_point::max()) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - now).count();
  return static_cast<int>(std::max<std::int64_t>(0, left));
}

void LogLoop::Work() {
  TakeTimers();
  if (!due_.empty() || !IsGathering()) ReadEvents();
  StartRound();
  PumpDue();
  RestIdle();
}

void LogLoop::TakeTimers() {
  const auto now = Clock::now();
  while (!timers_.empty() && timers_.begin()->first <= now) {
    const std::string id = std::move(timers_.begin()->second);
    timers_.erase(timers_.begin());
    const auto found = followed_.find(id);
    if (found == followed_.end()) continue;
    const auto& give_up = found->second.give_up;
    if (give_up && *give_up <= now) {
      spdlog::error(
          "the end of container {}'s log is lost: it was removed, and its log could not "
          "be written within {} s",
          id, kRemovedLimit.count());
      ++counters_.gaps;
      Drop(found);
      continue;
    }
    found->second.is_stalled = false;
    MakeDue(id);
  }
}

void LogLoop::ReadEvents() {
  const bool complete = watch_.Read([this](const FolderWatch::Event& event) {
    const auto id = by_watch_.find(event.watch);
    if (id == by_watch_.end()) return;
    Followed& followed = followed_.at(id->second);
    if (event.name != FileName(followed.docker_log)) return;
    if (event.is_new) followed.tail.NoticeRotation();
    Touch(id->second, followed);
  });
  if (complete) return;
  for (auto& [id, followed] : followed_) {
    followed.tail.NoticeRotation();
    MakeDue(id);
  }
}

void LogLoop::StartRound() {
  if (touched_.empty() || IsGathering()) return;
  for (const auto& id : touched_) {
    const auto found = followed_.find(id);
    if (found == followed_.end()) continue;
    found->second.is_touched = false;
    found->second.in_round = 0;
    MakeDue(id);
  }
  touched_.clear();
  gather_until_ = Clock::now() + kGather;
}

/// One batch at a time, in turn, so that a loud container does not hold up the others.
void LogLoop::PumpDue() {
  const auto until = Clock::now() + kSlice;
  while (!due_.empty()) {
    const std::string id = std::move(due_.front());
    due_.pop_front();
    const auto found = followed_.find(id);
    if (found == followed_.end()) continue;
    found->second.is_due = false;
    Pump(found);
    if (Clock::now() > until) break;
  }
}

void LogLoop::Pump(Entries::iterator entry) {
  Followed& followed = entry->second;
  const auto progress = followed.tail.Pump(batch_);
  MarkOpen(followed);
  followed.in_round += batch_.lines.size();
  if (!progress) {
    followed.is_stalled = true;
    timers_.emplace(followed.last_active + followed.tail.RetryDelay(), entry->first);
  } else if (*progress == Progress::kMore) {
    MakeDue(entry->first);
  } else if (*progress == Progress::kEnd) {
    Drop(entry);
  } else {
    AwaitMore(entry->first, followed);
  }
}

void LogLoop::Touch(const std::string& id, Followed& followed) {
  if (!std::exchange(followed.is_touched, true)) touched_.push_back(id);
}

base::Status LogLoop::Listen(const std::string& id, Followed& followed,
                             FolderWatch::Events events) {
  const auto watch = watch_.Watch(std::filesystem::path(followed.docker_log).parent_path(), events);
  if (!watch) return base::Fail(watch.error());
  if (followed.watch >= 0) by_watch_.erase(followed.watch);
  followed.watch = *watch;
  followed.hears_writes = events == FolderWatch::Events::kNewFilesAndWrites;
  by_watch_[*watch] = id;
  return {};
}

void LogLoop::AwaitMore(const std::string& id, Followed& followed) {
  if (followed.watch < 0) return;
  if (followed.in_round >= kLoud) {
    // If that fails it is told of the writes, too.
    if (followed.hears_writes) (void)Listen(id, followed, FolderWatch::Events::kNewFiles);
    Touch(id, followed);
  } else if (!followed.hears_writes) {
    const auto heard = Listen(id, followed, FolderWatch::Events::kNewFilesAndWrites);
    // What was written before that is told by nobody. Without its folder nothing will be.
    if (heard) MakeDue(id);
    if (!heard && heard.error().code != base::Code::kNotFound) Touch(id, followed);
  }
}

void LogLoop::MarkOpen(Followed& followed) {
  followed.last_active = Clock::now();
  if (!any_open_) rest_check_ = followed.last_active + kRestAfter;
  followed.is_open = any_open_ = true;
}

void LogLoop::RestIdle() {
  const auto now = Clock::now();
  if (!any_open_ || now < rest_check_) return;
  any_open_ = false;
  for (auto& [id, followed] : followed_) {
    // What could not be written yet may be in files that only stay because they are open.
    if (followed.is_open && !followed.is_stalled && now - followed.last_active >= kRestAfter) {
      followed.tail.Rest();
      followed.is_open = false;
    }
    any_open_ = any_open_ || followed.is_open;
  }
  rest_check_ = now + kRestAfter;
}

}  // namespace dockershimd::shim::logs
