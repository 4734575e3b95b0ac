#pragma once

#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "shim/streaming/client_protocol.h"
#include "shim/streaming/forwarded_connection.h"
#include "shim/streaming/spdy_connection.h"

namespace dockershimd::shim::streaming {

/// Limits of a port-forward session.
struct ForwardLimits {
  std::chrono::milliseconds pair_limit{30'000};  ///< for the second stream of a pair
  std::size_t max_streams = 1000;                ///< open at a time, two a connection
};

/// Port-forward over SPDY: a pair of streams, error and data, for each connection. Lives until the
/// client goes.
class SpdyForward final : public ClientProtocol,
                          public std::enable_shared_from_this<SpdyForward>,
                          private SpdyConnection::Owner {
 public:
  SpdyForward(Loop& loop, std::unique_ptr<Transport> transport, PodConnector connector,
              std::string pod, ForwardLimits limits);

  base::Status Feed(std::span<char> bytes) override;
  Awaitable<void> Room() override;
  /// The client opens pairs whenever it wants to, and each has a limit of its own.
  bool IsSetUp() const override { return true; }
  void Abort(const std::string& reason) override;
  void OnGone() override;

 private:
  using StreamId = wire::StreamId;
  using RequestId = std::string;

  struct Pair {
    std::uint16_t port = 0;
    std::optional<StreamId> error;
    std::optional<StreamId> data;
    std::string early_data;
    bool early_fin = false;
    std::unique_ptr<boost::asio::steady_timer> limit;  ///< for the second stream
    std::shared_ptr<ForwardedConnection> connection;   ///< once both streams are there
  };

  void OnStream(StreamId stream, const wire::Headers& headers) override;
  void OnData(StreamId stream, std::string_view bytes) override;
  void OnFin(StreamId stream) override;
  void OnReset(StreamId stream) override;

  void AddToPair(const RequestId& id, StreamId stream, bool is_error, std::uint16_t port);
  void StartPair(Pair& pair);
  void DropFinished();
  [[nodiscard]] Pair* PairOfData(StreamId stream);
  void LimitPair(Pair& pair, const RequestId& id);
  void EndIncomplete(const RequestId& id);

  Loop& loop_;
  std::shared_ptr<SpdyConnection> connection_;
  PodConnector connector_;
  std::string pod_;
  ForwardLimits limits_;
  std::unordered_map<RequestId, Pair> pairs_;
  std::unordered_map<StreamId, RequestId> streams_;
  std::vector<std::shared_ptr<ForwardedConnection>> fed_;  ///< since the last wait for room
};

}  // namespace dockershimd::shim::streaming
