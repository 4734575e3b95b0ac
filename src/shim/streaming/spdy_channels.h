#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "shim/streaming/channel_mux.h"
#include "shim/streaming/channel_session.h"
#include "shim/streaming/client_protocol.h"
#include "shim/streaming/requests.h"
#include "shim/streaming/spdy_connection.h"

namespace dockershimd::shim::streaming {

/// An exec or attach session over SPDY: one stream for each channel, in any order.
class SpdyChannels final : public ClientProtocol,
                           public ChannelMux,
                           public std::enable_shared_from_this<SpdyChannels>,
                           private SpdyConnection::Owner {
 public:
  /// `version` is that of the channel protocol, 1..4.
  SpdyChannels(std::unique_ptr<Transport> transport, const StreamChoice& streams, int version,
               std::shared_ptr<ChannelSession> session);

  base::Status Feed(std::span<char> bytes) override;
  Awaitable<void> Room() override;
  bool IsSetUp() const override { return started_; }
  void Abort(const std::string& reason) override;
  void OnGone() override;

  void Send(Channel channel, std::string_view bytes) override;
  void Finish(const wire::Outcome& outcome) override;
  Awaitable<void> ClientRoom() override { return connection_.Room(); }

 private:
  using StreamId = wire::StreamId;

  void OnStream(StreamId stream, const wire::Headers& headers) override;
  void OnData(StreamId stream, std::string_view bytes) override;
  void OnFin(StreamId stream) override;
  void OnReset(StreamId stream) override;

  [[nodiscard]] std::optional<StreamId>& IdOf(Channel channel) {
    return ids_[static_cast<std::size_t>(channel)];
  }
  [[nodiscard]] bool Is(Channel channel, StreamId stream) { return IdOf(channel) == stream; }
  [[nodiscard]] bool HasAll() const;

  SpdyConnection connection_;
  std::array<bool, kChannels> wanted_;
  int version_;
  std::array<std::optional<StreamId>, kChannels> ids_;
  std::vector<StreamId> unused_;  ///< streams of no known kind
  std::shared_ptr<ChannelSession> session_;
  bool started_ = false;
  bool finished_ = false;
};

}  // namespace dockershimd::shim::streaming
