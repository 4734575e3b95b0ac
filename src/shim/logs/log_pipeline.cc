#include "shim/logs/log_pipeline.h"

#include <poll.h>
#include <pthread.h>
#include <spdlog/spdlog.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <condition_variable>
#include <functional>
#include <future>
#include <system_error>
#include <thread>
#include <unordered_set>
#include <vector>

#include "base/file.h"
#include "base/guarded.h"
#include "shim/logs/log_loop.h"

namespace dockershimd::shim::logs {
namespace {

using base::Code;
using base::Fail;

/// How often a waiting caller that has gone away is noticed.
constexpr std::chrono::milliseconds kCancelCheck(100);

base::UniqueFd MakeBell() {
  base::UniqueFd bell(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!bell) throw std::system_error(errno, std::generic_category(), "eventfd");
  return bell;
}

}  // namespace

/// The loop's thread, and what other threads want of it.
class LogPipeline::Impl {
 public:
  Impl(const LogOptions& options, dockerapi::Client& docker);
  ~Impl();
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  base::Status Follow(const LogStream& stream);
  void Resume(const LogStream& stream, bool runs);
  /// Has the loop's thread do it, and waits for that.
  base::Status Run(const std::function<base::Status(LogLoop&)>& command);
  /// Has the loop's thread do it, later.
  void Post(std::function<void(LogLoop&)> command);
  base::Status WaitUntilEnded(const base::CallContext& context, const std::string& id);
  [[nodiscard]] LogStatistics Statistics() const;

 private:
  LogLoop MakeLoop(const LogOptions& options, dockerapi::Client& docker);
  void Ring() const;
  void Work(const std::stop_token& stop);
  void Wait();

  Counters counters_;
  const base::UniqueFd bell_ = MakeBell();
  base::Guarded<std::vector<std::function<void(LogLoop&)>>> commands_;
  /// Containers that are followed, for those who wait for their end.
  base::Guarded<std::unordered_set<std::string>> active_;
  std::condition_variable ended_;
  LogLoop loop_;  ///< the thread's own
  std::jthread thread_;
};

LogPipeline::Impl::Impl(const LogOptions& options, dockerapi::Client& docker)
    : loop_(MakeLoop(options, docker)),
      thread_([this](const std::stop_token& stop) { Work(stop); }) {}

LogPipeline::Impl::~Impl() {
  thread_.request_stop();
  Ring();
  thread_.join();
}

LogLoop LogPipeline::Impl::MakeLoop(const LogOptions& options, dockerapi::Client& docker) {
  const auto folder = options.state_dir / "logs";
  if (auto made = base::MakeDirectories(folder, 0700); !made) {
    spdlog::error("log positions will be lost at a restart: {}", made.error().message);
  }
  LogLoop::Signals signals;
  signals.ready = [this](const std::string& id) {
    Post([id](LogLoop& loop) { loop.MakeDue(id); });
  };
  signals.ended = [this](const std::string& id) {
    active_.Lock()->erase(id);
    ended_.notify_all();
  };
  return {folder, docker, counters_, std::move(signals)};
}

void LogPipeline::Impl::Ring() const {
  const std::uint64_t one = 1;
  (void)!::write(bell_.Get(), &one, sizeof(one));
}

void LogPipeline::Impl::Post(std::function<void(LogLoop&)> command) {
  commands_.Lock()->push_back(std::move(command));
  Ring();
}

base::Status LogPipeline::Impl::Run(const std::function<base::Status(LogLoop&)>& command) {
  // Shared: the thread may still be in set_value() when the result is here.
  const auto result = std::make_shared<std::promise<base::Status>>();
  Post([result, &command](LogLoop& loop) { result->set_value(command(loop)); });
  return result->get_future().get();
}

base::Status LogPipeline::Impl::Follow(const LogStream& stream) {
  return Run([&](LogLoop& loop) {
    auto followed = loop.Follow(stream);
    if (followed) active_.Lock()->insert(stream.container_id);
    return followed;
  });
}

void LogPipeline::Impl::Resume(const LogStream& stream, bool runs) {
  // At once, for a FinishAndWait that comes before the thread's turn.
  active_.Lock()->insert(stream.container_id);
  Post([this, stream, runs](LogLoop& loop) {
    active_.Lock()->insert(stream.container_id);
    loop.Resume(stream, runs);
  });
}

base::Status LogPipeline::Impl::WaitUntilEnded(const base::CallContext& context,
                                               const std::string& id) {
  auto active = active_.Lock();
  const auto has_ended = [&] { return !active->contains(id); };
  while (!has_ended()) {
    if (context.IsExpired()) {
      return Fail(Code::kDeadlineExceeded, "the log of container {} is not all written yet", id);
    }
    if (context.IsCancelled()) return Fail(Code::kCancelled, "the caller went away");
    const auto slice = std::min(context.Remaining(), kCancelCheck);
    active.WaitUntil(ended_, base::CallContext::Clock::now() + slice, has_ended);
  }
  return {};
}

LogStatistics LogPipeline::Impl::Statistics() const {
  LogStatistics statistics;
  statistics.followed = active_.Lock()->size();
  statistics.lines = counters_.lines;
  statistics.bytes = counters_.bytes;
  statistics.failures = counters_.failures;
  statistics.bad_records = counters_.bad_records;
  statistics.gaps = counters_.gaps;
  statistics.lag = std::chrono::nanoseconds(counters_.lag_nanos);
  return statistics;
}

void LogPipeline::Impl::Work(const std::stop_token& stop) {
  // For top -H, and for the test of what an idle node costs.
  ::pthread_setname_np(::pthread_self(), "logs");
  for (auto& id : loop_.ResumeRemembered()) active_.Lock()->insert(std::move(id));
  while (!stop.stop_requested()) {
    Wait();
    std::vector<std::function<void(LogLoop&)>> commands;
    commands.swap(*commands_.Lock());
    for (const auto& command : commands) command(loop_);
    loop_.Work();
  }
}

void LogPipeline::Impl::Wait() {
  std::array<pollfd, 2> polled = {{{bell_.Get(), POLLIN, 0}, {loop_.Descriptor(), POLLIN, 0}}};
  ::poll(polled.data(), loop_.IsGathering() ? 1 : 2, loop_.WaitMillis());
  std::uint64_t rings = 0;
  if (polled[0].revents != 0) (void)!::read(bell_.Get(), &rings, sizeof(rings));
}

LogPipeline::LogPipeline(LogOptions options, dockerapi::Client& docker)
    : impl_(std::make_unique<Impl>(options, docker)) {}

LogPipeline::~LogPipeline() = default;

base::Status LogPipeline::Follow(const LogStream& stream) { return impl_->Follow(stream); }

void LogPipeline::Resume(const LogStream& stream, bool runs) { impl_->Resume(stream, runs); }

base::Status LogPipeline::Reopen(const std::string& container_id) {
  return impl_->Run([&](LogLoop& loop) { return loop.Reopen(container_id); });
}

void LogPipeline::Finish(const std::string& container_id) {
  impl_->Post([container_id](LogLoop& loop) { loop.Finish(container_id); });
}

base::Status LogPipeline::FinishAndWait(const base::CallContext& context,
                                        const std::string& container_id) {
  Finish(container_id);
  return impl_->WaitUntilEnded(context, container_id);
}

void LogPipeline::Forget(const std::string& container_id) {
  impl_->Post([container_id](LogLoop& loop) { loop.Forget(container_id); });
}

void LogPipeline::ForgetUnconfirmed() {
  impl_->Post([](LogLoop& loop) { loop.ForgetUnconfirmed(); });
}

LogStatistics LogPipeline::Statistics() const { return impl_->Statistics(); }

}  // namespace dockershimd::shim::logs
