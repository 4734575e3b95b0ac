#include "shim/logs/log_pipeline.h"

#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <condition_variable>
#include <deque>
#include <functional>
#include <future>
#include <map>
#include <system_error>
#include <thread>
#include <unordered_map>
#include <unordered_set>

#include "base/file.h"
#include "base/guarded.h"
#include "shim/logs/api_source.h"
#include "shim/logs/file_source.h"
#include "shim/logs/folder_watch.h"
#include "shim/logs/tail.h"

namespace dockershimd::shim::logs {
namespace {

using base::Code;
using base::Fail;
using Clock = std::chrono::steady_clock;

/// After some work events are left to gather so long: one wake-up and one batch for many lines.
constexpr std::chrono::milliseconds kGather(10);
/// How long a container's files stay open after its last line.
constexpr std::chrono::seconds kRestAfter(5);
/// How often a waiting caller that has gone away is noticed.
constexpr std::chrono::milliseconds kCancelCheck(100);

}  // namespace

class LogPipeline::Impl {
 public:
  Impl(LogOptions options, dockerapi::Client& docker);
  ~Impl();
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  base::Status Follow(const LogStream& stream);
  base::Status Reopen(const std::string& id);
  void Finish(const std::string& id);
  base::Status WaitUntilFinished(const base::CallContext& context, const std::string& id);
  void Forget(const std::string& id);
  LogStatistics Statistics() const;

 private:
  /// A container that is followed.
  struct Followed {
    Followed(const LogStream& stream, std::filesystem::path position_file, Counters& counters)
        : tail(stream.description, stream.cri_log, std::move(position_file), counters) {}
    Tail tail;
    int watch = -1;
    std::string log_name;     ///< of Docker's current file, within its folder
    bool is_due = false;      ///< stands in due_
    bool is_stalled = false;  ///< stands in retries_
    bool is_open = false;     ///< may hold files open
    Clock::time_point last_active;
  };
  /// What other threads want of ours.
  struct Inbox {
    std::vector<std::function<void()>> commands;
    std::vector<std::string> ready;  ///< containers that have something to read
  };

  // For any thread.
  base::Status Run(std::function<base::Status()> command);
  void Post(std::function<void()> command);
  void Ring() const;

  // The pipeline's thread only.
  void Loop(const std::stop_token& stop);
  void Wait();
  int WaitMillis(Clock::time_point now) const;
  void TakeInbox();
  void ReadEvents();
  void PumpDue();
  void Pump(const std::string& id, Followed& followed);
  void RestIdle(Clock::time_point now);
  base::Status FollowNow(const LogStream& stream);
  std::unique_ptr<Source> MakeSource(const LogStream& stream, Followed& followed,
                                     const SourcePosition& from);
  void MakeDue(const std::string& id);
  void FinishNow(const std::string& id);
  void Drop(const std::string& id);
  std::filesystem::path PositionFileOf(const std::string& id) const { return folder_ / id; }

  const std::filesystem::path folder_;
  dockerapi::Client& docker_;
  Counters counters_;
  base::UniqueFd wake_;
  base::Guarded<Inbox> inbox_;
  /// Containers that are followed, for those who wait for their end.
  base::Guarded<std::unordered_set<std::string>> active_;
  std::condition_variable ended_;

  FolderWatch watch_;
  std::unordered_map<std::string, Followed> followed_;
  std::unordered_map<int, std::string> by_watch_;
  std::deque<std::string> due_;
  std::multimap<Clock::time_point, std::string> retries_;
  Clock::time_point gather_until_;
  Clock::time_point rest_check_;
  bool any_open_ = false;
  Batch batch_;

  std::jthread thread_;  ///< last: it uses all of the above
};

LogPipeline::Impl::Impl(LogOptions options, dockerapi::Client& docker)
    : folder_(options.state_dir / "logs"),
      docker_(docker),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (!wake_) throw std::system_error(errno, std::generic_category(), "eventfd");
  if (auto made = base::MakeDirectories(folder_, 0700); !made) {
    spdlog::error("log positions will be lost at a restart: {}", made.error().message);
  }
  thread_ = std::jthread([this](const std::stop_token& stop) { Loop(stop); });
}

LogPipeline::Impl::~Impl() {
  thread_.request_stop();
  Ring();
  thread_.join();
}

void LogPipeline::Impl::Ring() const {
  const std::uint64_t one = 1;
  (void)!::write(wake_.Get(), &one, sizeof(one));
}

void LogPipeline::Impl::Post(std::function<void()> command) {
  inbox_.Lock()->commands.push_back(std::move(command));
  Ring();
}

base::Status LogPipeline::Impl::Run(std::function<base::Status()> command) {
  std::packaged_task<base::Status()> task(std::move(command));
  auto result = task.get_future();
  Post([&task] { task(); });
  return result.get();
}

base::Status LogPipeline::Impl::Follow(const LogStream& stream) {
  return Run([&] { return FollowNow(stream); });
}

base::Status LogPipeline::Impl::Reopen(const std::string& id) {
  return Run([&]() -> base::Status {
    const auto found = followed_.find(id);
    if (found == followed_.end()) {
      return Fail(Code::kNotFound, "the log of container {} is not being written", id);
    }
    auto reopened = found->second.tail.Reopen();
    found->second.is_open = any_open_ = true;
    MakeDue(id);
    return reopened;
  });
}

void LogPipeline::Impl::Finish(const std::string& id) {
  Post([this, id] { FinishNow(id); });
}

base::Status LogPipeline::Impl::WaitUntilFinished(const base::CallContext& context,
                                                  const std::string& id) {
  Finish(id);
  auto active = active_.Lock();
  while (active->contains(id)) {
    if (context.IsExpired()) {
      return Fail(Code::kDeadlineExceeded, "the log of container {} is not all written yet", id);
    }
    if (context.IsCancelled()) return Fail(Code::kCancelled, "the caller went away");
    const auto slice = std::min(context.Remaining(), kCancelCheck);
    active.WaitUntil(ended_, Clock::now() + slice, [&] { return !active->contains(id); });
  }
  return {};
}

void LogPipeline::Impl::Forget(const std::string& id) {
  Post([this, id] {
    Drop(id);
    PositionFile(PositionFileOf(id)).Remove();
  });
}

LogStatistics LogPipeline::Impl::Statistics() const {
  return {active_.Lock()->size(),
          counters_.lines,
          counters_.bytes,
          counters_.failures,
          counters_.bad_records,
          counters_.gaps,
          std::chrono::nanoseconds(counters_.lag_nanos)};
}

void LogPipeline::Impl::Loop(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    Wait();
    TakeInbox();
    if (!due_.empty() || Clock::now() >= gather_until_) ReadEvents();
    PumpDue();
    RestIdle(Clock::now());
  }
}

void LogPipeline::Impl::Wait() {
  const auto now = Clock::now();
  const bool gathering = now < gather_until_;
  std::array<pollfd, 2> polled = {{{wake_.Get(), POLLIN, 0}, {watch_.Descriptor(), POLLIN, 0}}};
  ::poll(polled.data(), gathering ? 1 : 2, WaitMillis(now));
  std::uint64_t rings = 0;
  if (polled[0].revents != 0) (void)!::read(wake_.Get(), &rings, sizeof(rings));
}

/// -1 where nothing but an event can bring work.
int LogPipeline::Impl::WaitMillis(Clock::time_point now) const {
  if (!due_.empty()) return 0;
  auto until = Clock::time_point::max();
  if (now < gather_until_) until = gather_until_;
  if (any_open_) until = std::min(until, rest_check_);
  if (!retries_.empty()) until = std::min(until, retries_.begin()->first);
  if (until == Clock::time_point::max()) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - now).count();
  return static_cast<int>(std::max<std::int64_t>(0, left));
}

void LogPipeline::Impl::TakeInbox() {
  Inbox inbox;
  {
    auto shared = inbox_.Lock();
    std::swap(inbox.commands, shared->commands);
    std::swap(inbox.ready, shared->ready);
  }
  for (const auto& command : inbox.commands) command();
  for (const auto& id : inbox.ready) MakeDue(id);
  const auto now = Clock::now();
  while (!retries_.empty() && retries_.begin()->first <= now) {
    const auto found = followed_.find(retries_.begin()->second);
    if (found != followed_.end()) found->second.is_stalled = false;
    MakeDue(retries_.begin()->second);
    retries_.erase(retries_.begin());
  }
}

void LogPipeline::Impl::ReadEvents() {
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

void LogPipeline::Impl::MakeDue(const std::string& id) {
  const auto found = followed_.find(id);
  if (found == followed_.end() || found->second.is_due || found->second.is_stalled) return;
  found->second.is_due = true;
  due_.push_back(id);
}

/// Each container that is due gets one batch, so that a loud one does not hold up the others.
void LogPipeline::Impl::PumpDue() {
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

void LogPipeline::Impl::Pump(const std::string& id, Followed& followed) {
  const auto progress = followed.tail.Pump(batch_);
  followed.last_active = Clock::now();
  if (!any_open_) rest_check_ = followed.last_active + kRestAfter;
  followed.is_open = any_open_ = true;
  if (!progress) {
    followed.is_stalled = true;
    retries_.emplace(followed.last_active + followed.tail.RetryDelay(), id);
  } else if (*progress == Progress::kMore) {
    MakeDue(id);
  } else if (*progress == Progress::kEnd) {
    Drop(id);
  }
}

void LogPipeline::Impl::RestIdle(Clock::time_point now) {
  if (!any_open_ || now < rest_check_) return;
  any_open_ = false;
  for (auto& [id, followed] : followed_) {
    if (followed.is_open && now - followed.last_active >= kRestAfter) {
      followed.tail.Rest();
      followed.is_open = false;
    }
    any_open_ = any_open_ || followed.is_open;
  }
  rest_check_ = now + kRestAfter;
}

base::Status LogPipeline::Impl::FollowNow(const LogStream& stream) {
  const std::string& id = stream.container_id;
  if (followed_.contains(id)) return {};
  Followed& followed =
      followed_.try_emplace(id, stream, PositionFileOf(id), counters_).first->second;
  auto opened = followed.tail.Open(
      [&](const SourcePosition& from) { return MakeSource(stream, followed, from); });
  if (!opened) {
    followed_.erase(id);
    return opened;
  }
  active_.Lock()->insert(id);
  MakeDue(id);
  return {};
}

std::unique_ptr<Source> LogPipeline::Impl::MakeSource(const LogStream& stream, Followed& followed,
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
      [this, id] {
        inbox_.Lock()->ready.push_back(id);
        Ring();
      },
      from);
}

void LogPipeline::Impl::FinishNow(const std::string& id) {
  const auto found = followed_.find(id);
  if (found == followed_.end()) return;
  found->second.tail.From().Finish();
  MakeDue(id);
}

void LogPipeline::Impl::Drop(const std::string& id) {
  const auto found = followed_.find(id);
  if (found == followed_.end()) return;
  if (found->second.watch >= 0) {
    watch_.Remove(found->second.watch);
    by_watch_.erase(found->second.watch);
  }
  followed_.erase(found);
  active_.Lock()->erase(id);
  ended_.notify_all();
}

LogPipeline::LogPipeline(LogOptions options, dockerapi::Client& docker)
    : impl_(std::make_unique<Impl>(std::move(options), docker)) {}
LogPipeline::~LogPipeline() = default;

base::Status LogPipeline::Follow(const LogStream& stream) { return impl_->Follow(stream); }
base::Status LogPipeline::Reopen(const std::string& container_id) {
  return impl_->Reopen(container_id);
}
void LogPipeline::Finish(const std::string& container_id) { impl_->Finish(container_id); }
base::Status LogPipeline::FinishAndWait(const base::CallContext& context,
                                        const std::string& container_id) {
  return impl_->WaitUntilFinished(context, container_id);
}
void LogPipeline::Forget(const std::string& container_id) { impl_->Forget(container_id); }
LogStatistics LogPipeline::Statistics() const { return impl_->Statistics(); }

}  // namespace dockershimd::shim::logs
