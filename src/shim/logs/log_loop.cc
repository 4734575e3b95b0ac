#include "shim/logs/log_loop.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "shim/logs/api_source.h"
#include "shim/logs/file_source.h"

namespace dockershimd::shim::logs {
namespace {

/// After some work events are left to gather so long: one wake-up and one batch for many lines.
constexpr std::chrono::milliseconds kGather(10);
/// How long a container's files stay open after its last line.
constexpr std::chrono::seconds kRestAfter(5);

}  // namespace

LogLoop::LogLoop(std::filesystem::path position_folder, dockerapi::Client& docker,
                 Counters& counters, Signals signals)
    : position_folder_(std::move(position_folder)),
      docker_(docker),
      counters_(counters),
      signals_(std::move(signals)) {}

base::Status LogLoop::Follow(const LogStream& stream) {
  const std::string& id = stream.container_id;
  if (followed_.contains(id)) return {};
  Followed& followed =
      followed_.try_emplace(id, stream, position_folder_ / id, counters_).first->second;
  auto opened = followed.tail.Open(
      [&](const SourcePosition& from) { return MakeSource(stream, followed, from); });
  if (!opened) {
    followed_.erase(id);
    return opened;
  }
  MakeDue(id);
  return {};
}

std::unique_ptr<Source> LogLoop::MakeSource(const LogStream& stream, Followed& followed,
                                            const SourcePosition& from) {
  const std::string& id = stream.container_id;
  std::string reason = "its log driver is not json-file";
  if (!stream.docker_log.empty()) {
    const auto watch = watch_.Add(stream.docker_log.parent_path());
    if (watch) {
      followed.watch = *watch;
      followed.log_name = stream.docker_log.filename();
      by_watch_[*watch] = id;
      return std::make_unique<FileSource>(stream.description, stream.docker_log, from);
    }
    reason = watch.error().message;
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
  found->second.tail.From().Finish();
  MakeDue(id);
}

void LogLoop::Forget(const std::string& id) {
  Drop(id);
  PositionFile(position_folder_ / id).Remove();
}

void LogLoop::Drop(const std::string& id) {
  const auto found = followed_.find(id);
  if (found == followed_.end()) return;
  if (found->second.watch >= 0) {
    watch_.Remove(found->second.watch);
    by_watch_.erase(found->second.watch);
  }
  followed_.erase(found);
  signals_.ended(id);
}

void LogLoop::MakeDue(const std::string& id) {
  const auto found = followed_.find(id);
  if (found == followed_.end() || found->second.is_due || found->second.is_stalled) return;
  found->second.is_due = true;
  due_.push_back(id);
}

int LogLoop::WaitMillis() const {
  if (!due_.empty()) return 0;
  const auto now = Clock::now();
  auto until = Clock::time_point::max();
  if (now < gather_until_) until = gather_until_;
  if (any_open_) until = std::min(until, rest_check_);
  if (!retries_.empty()) until = std::min(until, retries_.begin()->first);
  if (until == Clock::time_point::max()) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - now).count();
  return static_cast<int>(std::max<std::int64_t>(0, left));
}

void LogLoop::Work() {
  TakeRetries();
  if (!due_.empty() || !IsGathering()) ReadEvents();
  PumpDue();
  RestIdle();
}

void LogLoop::TakeRetries() {
  const auto now = Clock::now();
  while (!retries_.empty() && retries_.begin()->first <= now) {
    const std::string id = std::move(retries_.begin()->second);
    retries_.erase(retries_.begin());
    const auto found = followed_.find(id);
    if (found == followed_.end()) continue;
    found->second.is_stalled = false;
    MakeDue(id);
  }
}

void LogLoop::ReadEvents() {
  const bool complete = watch_.Read([this](const FolderWatch::Event& event) {
    const auto id = by_watch_.find(event.watch);
    if (id == by_watch_.end()) return;
    Followed& followed = followed_.at(id->second);
    if (event.name != followed.log_name) return;
    if (event.is_new) followed.tail.From().NoticeRotation();
    MakeDue(id->second);
  });
  if (complete) return;
  for (auto& [id, followed] : followed_) {
    followed.tail.From().NoticeRotation();
    MakeDue(id);
  }
}

/// Each container that is due gets one batch, so that a loud one does not hold up the others.
void LogLoop::PumpDue() {
  if (due_.empty()) return;
  for (std::size_t count = due_.size(); count > 0; --count) {
    const std::string id = std::move(due_.front());
    due_.pop_front();
    const auto found = followed_.find(id);
    if (found == followed_.end()) continue;
    found->second.is_due = false;
    Pump(id, found->second);
  }
  gather_until_ = Clock::now() + kGather;
}

void LogLoop::Pump(const std::string& id, Followed& followed) {
  const auto progress = followed.tail.Pump(batch_);
  MarkOpen(followed);
  if (!progress) {
    followed.is_stalled = true;
    retries_.emplace(followed.last_active + followed.tail.RetryDelay(), id);
  } else if (*progress == Progress::kMore) {
    MakeDue(id);
  } else if (*progress == Progress::kEnd) {
    Drop(id);
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
