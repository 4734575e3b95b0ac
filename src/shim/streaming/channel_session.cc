#include "shim/streaming/channel_session.h"

#include <algorithm>
#include <cstring>

#include "base/log.h"

namespace dockershimd::shim::streaming {
namespace {

using wire::Outcome;

/// Docker starts an exec within this time, or the session fails.
constexpr std::chrono::minutes kOpenLimit(2);
constexpr std::chrono::seconds kCallLimit(15);
/// How much of one stream goes into one frame: clients keep many frames.
constexpr std::size_t kReadSize = 64 << 10;
constexpr std::size_t kEarlyStdinLimit = 256 << 10;
constexpr std::size_t kHeldBackSize = 4 << 10;
constexpr std::chrono::seconds kHeldBackTime(1);
/// Between two questions whether a process has ended that closed its output and lives on.
constexpr std::chrono::milliseconds kLongestPause(500);
/// How long the stream of a process that has ended may still have something to say.
constexpr std::chrono::milliseconds kSilenceLimit(500);

}  // namespace

void ChannelSession::Start(std::shared_ptr<ChannelMux> client) {
  client_ = std::move(client);
  loop_.Spawn(Run(shared_from_this()));
}

Awaitable<void> ChannelSession::Run([[maybe_unused]] Self self) {
  const auto open = [target = target_, context = loop_.Context(kOpenLimit)] {
    return target->Open(context);
  };
  auto opened = co_await Blocking(loop_, open);
  if (gone_) co_return;
  base::Status adopted;
  if (opened) {
    adopted = Adopt(std::move(*opened));
  } else {
    adopted = base::Fail(opened.error());
  }
  Outcome outcome;
  if (adopted) {
    outcome = co_await MoveOutput();
  } else {
    outcome = target_->Failure(adopted.error());
  }
  StopStdin();
  if (docker_) docker_->Close();
  if (const auto client = std::exchange(client_, nullptr)) client->Finish(outcome);
}

base::Status ChannelSession::Adopt(SessionTarget::Opened opened) {
  auto socket = Socket::Adopt(loop_, std::move(opened.stream.fd));
  if (!socket) return base::Fail(socket.error());
  docker_ = *socket;
  leftover_ = std::move(opened.stream.leftover);
  if (opened.may_be_silent) loop_.Spawn(CloseAfterSilence(shared_from_this()));
  StartResize();
  docker_->Send({std::exchange(early_stdin_, {})});
  if (stdin_ended_) loop_.Spawn(CloseStdin(shared_from_this()));
  changed_.Notify();
  return {};
}

Awaitable<Outcome> ChannelSession::MoveOutput() {
  while (const auto client = client_) {
    co_await client->ClientRoom();
    const auto buffer = loop_.Buffer().first(kReadSize);
    std::size_t count = std::min(leftover_.size(), buffer.size());
    if (count > 0) {
      std::memcpy(buffer.data(), leftover_.data(), count);
      leftover_.erase(0, count);
    } else {
      // An abrupt end is one too: Docker makes it where stdin was not read to its end.
      const auto bytes = co_await docker_->Read(buffer);
      count = bytes.size();
    }
    if (count == 0) break;
    const auto delivered = Deliver(buffer.first(count));
    if (!delivered) co_return target_->Failure(delivered.error());
  }
  // From here on nobody reads stdin: the client must not wait for that.
  StopStdin();
  const Outcome outcome = co_await Ending();
  co_return outcome;
}

base::Status ChannelSession::Deliver(std::span<char> bytes) {
  if (!rules_.framed) {
    Emit(dockerapi::OutputStream::kStdout, {bytes.data(), bytes.size()});
    return {};
  }
  // Pieces of one stream move together over Docker's headers between them, to go out as one.
  char* begin = bytes.data();
  char* end = begin;
  auto current = dockerapi::OutputStream::kStdout;
  const auto emit = [&] {
    if (end != begin) Emit(current, {begin, static_cast<std::size_t>(end - begin)});
  };
  const auto fed = demultiplexer_.Feed(
      {bytes.data(), bytes.size()}, [&](dockerapi::OutputStream stream, std::string_view piece) {
        if (stream != current || begin == end) {
          emit();
          begin = end = bytes.data() + (piece.data() - bytes.data());
          current = stream;
        }
        std::memmove(end, piece.data(), piece.size());
        end += piece.size();
      });
  emit();
  return fed;
}

void ChannelSession::Emit(dockerapi::OutputStream stream, std::string_view bytes) {
  if (!client_) return;
  if (stream == dockerapi::OutputStream::kStderr) {
    client_->Send(Channel::kStderr, bytes);
  } else if (!HoldBack(bytes)) {
    client_->Send(Channel::kStdout, bytes);
  }
}

bool ChannelSession::HoldBack(std::string_view bytes) {
  if (output_is_certain_) return false;
  if (held_back_.empty()) loop_.Spawn(StopHoldingBack(shared_from_this()));
  held_back_.append(bytes);
  const auto doubtful = rules_.doubtful_output;
  const auto common = std::min(doubtful.size(), held_back_.size());
  const bool matches = held_back_.compare(0, common, doubtful, 0, common) == 0;
  if (!doubtful.empty() && matches && held_back_.size() < kHeldBackSize) return true;
  OutputIsCertain();
  return true;
}

void ChannelSession::OutputIsCertain() {
  output_is_certain_ = true;
  const std::string output = std::exchange(held_back_, {});
  if (client_ && !output.empty()) client_->Send(Channel::kStdout, output);
}

Awaitable<void> ChannelSession::StopHoldingBack([[maybe_unused]] Self self) {
  co_await Pause(loop_, kHeldBackTime);
  if (!output_is_certain_) OutputIsCertain();
}

Awaitable<Outcome> ChannelSession::Ending() {
  auto pause = std::chrono::milliseconds(5);
  const auto held = std::make_shared<std::string>(std::exchange(held_back_, {}));
  output_is_certain_ = true;
  while (client_) {
    const auto ask = [target = target_, context = loop_.Context(kCallLimit), held] {
      return target->Ending(context, held.get());
    };
    const auto outcome = co_await Blocking(loop_, ask);
    if (outcome) {
      if (client_ && !held->empty()) client_->Send(Channel::kStdout, *held);
      co_return *outcome;
    }
    co_await Pause(loop_, pause);
    pause = std::min(pause * 2, kLongestPause);
  }
  co_return target_->Failure({base::Code::kCancelled, "the client has gone", {}});
}

void ChannelSession::OnStdin(std::string_view bytes) {
  if (stdin_stopped_ || stdin_ended_ || !rules_.takes_stdin) return;
  if (docker_) {
    docker_->Send({bytes});
  } else {
    early_stdin_.append(bytes);
  }
}

void ChannelSession::OnStdinEnd() {
  if (std::exchange(stdin_ended_, true)) return;
  if (docker_) loop_.Spawn(CloseStdin(shared_from_this()));
}

Awaitable<void> ChannelSession::CloseStdin([[maybe_unused]] Self self) {
  if (!rules_.close_stdin_after) co_return;
  if (rules_.close_stdin_after->count() > 0) co_await Pause(loop_, *rules_.close_stdin_after);
  docker_->FinishSending();
}

Awaitable<void> ChannelSession::CloseAfterSilence([[maybe_unused]] Self self) {
  co_await Pause(loop_, kSilenceLimit);
  docker_->Close();
}

void ChannelSession::StopStdin() {
  stdin_stopped_ = true;
  early_stdin_ = {};
  // Whoever waits for room finds that there is no need to.
  if (docker_) docker_->Close();
  changed_.Notify();
}

void ChannelSession::OnResize(std::string_view bytes) {
  const auto sizes = sizes_.Feed(bytes);
  if (sizes.empty()) return;
  latest_size_ = sizes.back();
  StartResize();
}

void ChannelSession::StartResize() {
  // Before the start Docker would make us wait for 10 s.
  if (!latest_size_ || !docker_ || resizing_) return;
  resizing_ = true;
  loop_.Spawn(ResizeToLatest(shared_from_this()));
}

Awaitable<void> ChannelSession::ResizeToLatest([[maybe_unused]] Self self) {
  while (latest_size_ && client_) {
    const auto size = *std::exchange(latest_size_, std::nullopt);
    const auto resize = [target = target_, context = loop_.Context(kCallLimit), size] {
      return target->Resize(context, size);
    };
    const auto resized = co_await Blocking(loop_, resize);
    // A process that has just ended has no terminal: nothing to tell anybody.
    if (!resized) spdlog::debug("terminal size: {}", resized.error().message);
  }
  resizing_ = false;
}

void ChannelSession::OnGone() {
  gone_ = true;
  client_ = nullptr;
  StopStdin();
}

Awaitable<void> ChannelSession::Room() {
  const auto self = shared_from_this();
  while (!stdin_stopped_ && !docker_ && early_stdin_.size() > kEarlyStdinLimit) {
    co_await changed_.Wait();
  }
  if (docker_ && !stdin_stopped_) co_await docker_->Room();
}

}  // namespace dockershimd::shim::streaming
