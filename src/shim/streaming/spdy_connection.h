#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "shim/streaming/transport.h"
#include "shim/streaming/wire/spdy_frames.h"

namespace dockershimd::shim::streaming {

/// The server's end of a SPDY connection: knows which streams are open, accepts new ones at once
/// (clients wait for each), answers pings. What goes to or comes from a closed stream is dropped.
class SpdyConnection : private wire::SpdyDecoder::Events {
 public:
  using StreamId = wire::StreamId;

  /// What the streams are for.
  class Owner {
   public:
    virtual ~Owner() = default;
    /// A stream that was just accepted.
    virtual void OnStream(StreamId stream, const wire::Headers& headers) = 0;
    virtual void OnData(StreamId stream, std::string_view bytes) = 0;
    /// The client sends nothing more on it.
    virtual void OnFin(StreamId stream) = 0;
    /// The client has given it up, in both directions.
    virtual void OnReset(StreamId stream) = 0;
  };

  SpdyConnection(std::unique_ptr<Transport> transport, std::size_t max_streams)
      : transport_(std::move(transport)), max_streams_(max_streams) {}

  /// Takes bytes of the client. An error: they are not SPDY, or the client has said goodbye.
  [[nodiscard]] base::Status Feed(std::string_view bytes, Owner& owner);

  void SendData(StreamId stream, std::string_view bytes);
  /// Sends a last piece, which may be empty.
  void SendFin(StreamId stream, std::string_view last = {});
  void Reset(StreamId stream, wire::ResetCode code = wire::ResetCode::kCancel);
  /// The end of the connection from this side: says goodbye, then closes once the client has.
  void GoAway();

  /// Waits until the client has taken most of what was sent.
  [[nodiscard]] Awaitable<void> Room() { return transport_->Underlying().Room(); }
  /// Waits until answers to what is read next can be sent.
  [[nodiscard]] Awaitable<void> AnswerRoom() { return transport_->Underlying().Room(kAnswerLimit); }

 private:
  struct Stream {
    bool client_done = false;
    bool server_done = false;
  };

  void OnSynStream(StreamId stream, const wire::Headers& headers, bool fin) override;
  void OnData(StreamId stream, std::string_view bytes) override;
  void OnFin(StreamId stream) override;
  void OnReset(StreamId stream) override;
  void OnPing(std::uint32_t id) override;
  void OnGoAway() override { gone_ = true; }
  void ForgetIfDone(StreamId stream);

  std::unique_ptr<Transport> transport_;
  std::size_t max_streams_;
  wire::SpdyDecoder decoder_;
  std::unordered_map<StreamId, Stream> streams_;
  Owner* owner_ = nullptr;  ///< set while it feeds
  StreamId last_stream_ = 0;
  bool replied_ = false;
  bool gone_ = false;
};

}  // namespace dockershimd::shim::streaming
