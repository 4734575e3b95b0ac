#pragma once

#include <array>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>

#include "base/call_context.h"
#include "dockerapi/client.h"
#include "shim/logs/source.h"

namespace dockershimd::shim::logs {

/// Takes the log text of Docker's API, with timestamps, apart into CRI lines. Docker splits lines
/// of more than 16 KiB and puts the timestamp before each part, without a newline between.
class ApiLines {
 public:
  using OnLine = std::function<void(base::UnixNanos time, const std::string& cri_line)>;

  explicit ApiLines(OnLine on_line) : on_line_(std::move(on_line)) {}
  void Feed(dockerapi::OutputStream stream, std::string_view bytes);
  /// The stream has ended: what stands without a newline is part of a line.
  void Flush();

 private:
  void HandOver(dockerapi::OutputStream stream, std::string_view line);
  void HandOverParts(dockerapi::OutputStream stream, std::string& pending);
  void HandOverPart(dockerapi::OutputStream stream, std::string_view time, std::string_view text);

  OnLine on_line_;
  std::array<std::string, 2> pending_;  ///< stdout, stderr
  std::string line_;
};

/// A container's log from Docker's API, for log drivers other than json-file: one thread and one
/// connection for each such container, and dockerd's time to decode it.
class ApiSource final : public Source {
 public:
  struct Container {
    std::string id;
    std::string description;
    bool tty = false;
  };

  /// `on_ready` is called, from the source's thread, when there is something to read.
  ApiSource(Container container, dockerapi::Client& docker, std::function<void()> on_ready,
            const SourcePosition& from);

  base::Result<Progress> Read(Batch& batch) override;
  void Commit() override;
  SourcePosition Position() const override { return position_; }
  void Seek(const SourcePosition& position) override;
  void Finish() override;
  void Continue() override;

 private:
  /// What the thread has received and the pipeline has not yet written.
  struct Received {
    std::string lines;
    std::uint64_t records = 0;
    SourcePosition position;  ///< behind `lines`
    bool finishing = false;
    bool ended = false;
  };

  enum class Outcome : std::uint8_t {
    kReadAll,      ///< to the end of what Docker had to say
    kTryAgain,     ///< failed
    kNothingMore,  ///< the container is gone, or its log cannot be read
  };

  void Start();
  void Follow(const std::stop_token& stop);
  Outcome FollowOnce(const std::stop_token& stop, bool last_time);
  bool IsWorthAnotherTry(const base::Error& error);
  void Take(const std::stop_token& stop, ResumeFilter& filter, base::UnixNanos time,
            const std::string& line);

  const Container container_;
  dockerapi::Client& docker_;
  const std::function<void()> on_ready_;
  SourcePosition position_;  ///< committed
  SourcePosition read_to_;
  std::size_t read_size_ = 0;
  std::uint64_t read_records_ = 0;

  bool failed_ = false;  ///< said so; the thread's own

  std::mutex mutex_;
  std::condition_variable_any changed_;
  Received received_;    ///< guarded by mutex_
  std::jthread thread_;  ///< last: it uses all of the above
};

}  // namespace dockershimd::shim::logs
