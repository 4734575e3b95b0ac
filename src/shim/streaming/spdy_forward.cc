#include "shim/streaming/spdy_forward.h"

#include <charconv>

namespace dockershimd::shim::streaming {
namespace {

/// The two streams of a pair.
class PairStreams final : public ForwardClient {
 public:
  PairStreams(std::shared_ptr<SpdyConnection> connection, wire::StreamId error, wire::StreamId data)
      : connection_(std::move(connection)), error_(error), data_(data) {}

  void Send(std::string_view bytes) override { connection_->SendData(data_, bytes); }

  void End() override {
    connection_->SendFin(data_);
    connection_->SendFin(error_);
  }

  // Without a text: for clients any text on the error stream is the end of all their connections.
  void Drop() override {
    connection_->Reset(data_);
    connection_->SendFin(error_);
  }

  void Refuse(const std::string& reason) override {
    connection_->SendData(error_, reason);
    connection_->Reset(data_);
    connection_->Reset(error_);
  }

  Awaitable<void> ClientRoom() override { return connection_->Room(); }

 private:
  std::shared_ptr<SpdyConnection> connection_;
  wire::StreamId error_;
  wire::StreamId data_;
};

std::optional<std::uint16_t> PortOf(std::string_view text) {
  std::uint16_t port = 0;
  const auto* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, port);
  if (error != std::errc() || rest != end || port == 0) return std::nullopt;
  return port;
}

}  // namespace

SpdyForward::SpdyForward(Loop& loop, std::unique_ptr<Transport> transport, PodConnector connector,
                         std::string pod, ForwardLimits limits)
    : loop_(loop),
      connection_(std::make_shared<SpdyConnection>(std::move(transport), limits.max_streams)),
      connector_(std::move(connector)),
      pod_(std::move(pod)),
      limits_(limits) {}

base::Status SpdyForward::Feed(std::span<char> bytes) {
  return connection_->Feed({bytes.data(), bytes.size()}, *this);
}

Awaitable<void> SpdyForward::Room() {
  const auto self = shared_from_this();
  const auto fed = std::exchange(fed_, {});
  for (const auto& connection : fed) co_await connection->Room();
  co_await connection_->AnswerRoom();
}

void SpdyForward::OnStream(StreamId stream, const wire::Headers& headers) {
  DropFinished();
  const auto type = wire::ValueOf(headers, "streamtype");
  const auto port = PortOf(wire::ValueOf(headers, "port"));
  if (!port || (type != "error" && type != "data")) return connection_->Reset(stream);
  const bool is_error = type == "error";
  std::string id(wire::ValueOf(headers, "requestid"));
  if (id.empty()) {
    // Clients of old open the error stream first and the data stream next.
    id = "stream " + std::to_string(is_error ? stream : stream - 2);
  }
  AddToPair(id, stream, is_error, *port);
}

void SpdyForward::AddToPair(const RequestId& id, StreamId stream, bool is_error,
                            std::uint16_t port) {
  auto& pair = pairs_[id];
  const bool is_new = !pair.error && !pair.data;
  auto& half = is_error ? pair.error : pair.data;
  if (half) {
    if (pair.error) connection_->SendData(*pair.error, "a second stream of one kind for " + id);
    return connection_->Reset(stream);
  }
  half = stream;
  pair.port = port;
  streams_[stream] = id;
  if (pair.error && pair.data) {
    StartPair(pair);
  } else if (is_new) {
    LimitPair(pair, id);
  }
}

void SpdyForward::StartPair(Pair& pair) {
  pair.limit = nullptr;
  pair.connection = std::make_shared<ForwardedConnection>(
      loop_, pair.port, std::make_shared<PairStreams>(connection_, *pair.error, *pair.data));
  pair.connection->OnData(std::exchange(pair.early_data, {}));
  if (pair.early_fin) pair.connection->OnEnd();
  pair.connection->Start(connector_, pod_);
}

void SpdyForward::LimitPair(Pair& pair, const RequestId& id) {
  pair.limit = std::make_unique<boost::asio::steady_timer>(loop_.Io(), limits_.pair_limit);
  pair.limit->async_wait([weak = weak_from_this(), id](const boost::system::error_code& error) {
    const auto self = error ? nullptr : weak.lock();
    if (self) self->EndIncomplete(id);
  });
}

void SpdyForward::EndIncomplete(const RequestId& id) {
  const auto found = pairs_.find(id);
  if (found == pairs_.end() || found->second.connection) return;
  auto& pair = found->second;
  if (pair.error) connection_->SendData(*pair.error, "timed out waiting for streams");
  const StreamId stream = pair.error ? *pair.error : *pair.data;
  connection_->Reset(stream);
  streams_.erase(stream);
  pairs_.erase(found);
}

SpdyForward::Pair* SpdyForward::PairOfData(StreamId stream) {
  const auto id = streams_.find(stream);
  if (id == streams_.end()) return nullptr;
  const auto pair = pairs_.find(id->second);
  return pair != pairs_.end() && pair->second.data == stream ? &pair->second : nullptr;
}

void SpdyForward::OnData(StreamId stream, std::string_view bytes) {
  auto* pair = PairOfData(stream);
  if (pair == nullptr) return;
  if (pair->connection) {
    pair->connection->OnData(bytes);
    if (fed_.empty() || fed_.back() != pair->connection) fed_.push_back(pair->connection);
  } else if (pair->early_data.size() + bytes.size() <= Socket::kSendLimit) {
    pair->early_data.append(bytes);
  } else {
    connection_->Reset(stream);
  }
}

void SpdyForward::OnFin(StreamId stream) {
  auto* pair = PairOfData(stream);
  if (pair == nullptr) return;
  if (pair->connection) {
    pair->connection->OnEnd();
  } else {
    pair->early_fin = true;
  }
}

void SpdyForward::OnReset(StreamId stream) {
  const auto id = streams_.find(stream);
  if (id == streams_.end()) return;
  const auto pair = pairs_.find(id->second);
  if (pair == pairs_.end()) return;
  if (!pair->second.connection) {
    // Half a pair: nothing will come of it, and it must not wait for its time-out.
    if (pair->second.error) streams_.erase(*pair->second.error);
    if (pair->second.data) streams_.erase(*pair->second.data);
    pairs_.erase(pair);
    return;
  }
  // A reset of the error stream alone says nothing about the data.
  if (pair->second.data == stream) pair->second.connection->OnGone();
}

void SpdyForward::DropFinished() {
  std::erase_if(pairs_, [&](const auto& entry) {
    const auto& pair = entry.second;
    if (!pair.connection || !pair.connection->IsOver()) return false;
    streams_.erase(*pair.error);
    streams_.erase(*pair.data);
    return true;
  });
}

void SpdyForward::Abort(const std::string&) {
  connection_->GoAway();
  OnGone();
}

void SpdyForward::OnGone() {
  for (auto& [id, pair] : pairs_) {
    if (pair.connection) pair.connection->OnGone();
  }
  pairs_.clear();
  streams_.clear();
}

}  // namespace dockershimd::shim::streaming
