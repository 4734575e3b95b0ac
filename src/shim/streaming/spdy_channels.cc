#include "shim/streaming/spdy_channels.h"

namespace dockershimd::shim::streaming {
namespace {

/// No session needs more; a few to spare for clients of other times.
constexpr std::size_t kMaxStreams = 16;
constexpr int kFirstWithResize = 3;
constexpr std::array<std::string_view, kChannels> kStreamTypes = {"stdin", "stdout", "stderr",
                                                                  "error", "resize"};

std::optional<Channel> ChannelOf(std::string_view type) {
  for (std::size_t i = 0; i < kChannels; ++i) {
    if (kStreamTypes[i] == type) return static_cast<Channel>(i);
  }
  return std::nullopt;
}

}  // namespace

SpdyChannels::SpdyChannels(std::unique_ptr<Transport> transport, const StreamChoice& streams,
                           int version, std::shared_ptr<ChannelSession> session)
    : connection_(std::move(transport), kMaxStreams),
      wanted_{streams.stdin_stream, streams.stdout_stream, streams.stderr_stream, true,
              streams.tty && version >= kFirstWithResize},
      version_(version),
      session_(std::move(session)) {}

base::Status SpdyChannels::Feed(std::span<char> bytes) {
  return connection_.Feed({bytes.data(), bytes.size()}, *this);
}

Awaitable<void> SpdyChannels::Room() {
  const auto self = shared_from_this();
  if (session_) co_await session_->Room();
  co_await connection_.AnswerRoom();
}

bool SpdyChannels::HasAll() const {
  for (std::size_t i = 0; i < kChannels; ++i) {
    if (wanted_[i] && !ids_[i]) return false;
  }
  return true;
}

void SpdyChannels::OnStream(StreamId stream, const wire::Headers& headers) {
  const auto channel = ChannelOf(wire::ValueOf(headers, "streamtype"));
  if (!channel) {
    unused_.push_back(stream);
    return;
  }
  if (IdOf(*channel)) {
    connection_.Reset(stream);
    return;
  }
  IdOf(*channel) = stream;
  if (!wanted_[static_cast<std::size_t>(*channel)]) connection_.SendFin(stream);
  if (started_ || finished_ || !HasAll()) return;
  started_ = true;
  session_->Start(shared_from_this());
}

void SpdyChannels::OnData(StreamId stream, std::string_view bytes) {
  if (!session_) return;
  if (Is(Channel::kStdin, stream)) session_->OnStdin(bytes);
  if (Is(Channel::kResize, stream)) session_->OnResize(bytes);
}

void SpdyChannels::OnFin(StreamId stream) {
  if (session_ && Is(Channel::kStdin, stream)) session_->OnStdinEnd();
}

void SpdyChannels::OnReset(StreamId stream) { OnFin(stream); }

void SpdyChannels::Send(Channel channel, std::string_view bytes) {
  if (IdOf(channel)) connection_.SendData(*IdOf(channel), bytes);
}

void SpdyChannels::Finish(const wire::Outcome& outcome) {
  if (std::exchange(finished_, true)) return;
  // All output before the status, the status before anything that ends more than one stream.
  for (const auto channel : {Channel::kStdout, Channel::kStderr}) {
    if (IdOf(channel)) connection_.SendFin(*IdOf(channel));
  }
  if (IdOf(Channel::kError)) {
    connection_.SendFin(*IdOf(Channel::kError), wire::StatusText(outcome, version_));
  }
  for (const auto channel : {Channel::kStdin, Channel::kResize}) {
    if (IdOf(channel)) connection_.Reset(*IdOf(channel));
  }
  for (const auto stream : unused_) connection_.Reset(stream);
  connection_.GoAway();
  session_ = nullptr;
}

void SpdyChannels::Abort(const std::string& reason) {
  const auto session = session_;
  Finish(wire::Outcome::Failed(reason));
  if (session) session->OnGone();
}

void SpdyChannels::OnGone() {
  if (const auto session = std::exchange(session_, nullptr)) session->OnGone();
}

}  // namespace dockershimd::shim::streaming
