#include "shim/streaming/spdy_connection.h"

#include <algorithm>

namespace dockershimd::shim::streaming {

using wire::ResetCode;

base::Status SpdyConnection::Feed(std::string_view bytes, Owner& owner) {
  owner_ = &owner;
  auto fed = decoder_.Feed(bytes, *this);
  if (fed && gone_) return base::Fail(base::Code::kCancelled, "the client said goodbye");
  return fed;
}

void SpdyConnection::OnSynStream(StreamId stream, const wire::Headers& headers, bool fin) {
  if (gone_) return;
  if (stream % 2 == 0 || stream <= last_stream_) {
    // Not even an error may name stream 0.
    if (stream != 0) transport_->Send(wire::ResetFrame(stream, ResetCode::kProtocolError), {});
    return;
  }
  last_stream_ = stream;
  if (streams_.size() >= max_streams_) {
    transport_->Send(wire::ResetFrame(stream, ResetCode::kRefused), {});
    return;
  }
  streams_.emplace(stream, Stream{});
  transport_->Send(wire::SynReply(stream, !std::exchange(replied_, true)), {});
  owner_->OnStream(stream, headers);
  if (fin) OnFin(stream);
}

void SpdyConnection::OnData(StreamId stream, std::string_view bytes) {
  const auto found = streams_.find(stream);
  if (found != streams_.end() && !found->second.client_done) owner_->OnData(stream, bytes);
}

void SpdyConnection::OnFin(StreamId stream) {
  const auto found = streams_.find(stream);
  if (found == streams_.end() || found->second.client_done) return;
  found->second.client_done = true;
  ForgetIfDone(stream);
  owner_->OnFin(stream);
}

void SpdyConnection::OnReset(StreamId stream) {
  if (streams_.erase(stream) > 0) owner_->OnReset(stream);
}

void SpdyConnection::OnPing(std::uint32_t id) {
  // Even ones would be answers to our own, which there are none of.
  if (id % 2 == 1) transport_->Send(wire::PingFrame(id), {});
}

void SpdyConnection::SendData(StreamId stream, std::string_view bytes) {
  const auto found = streams_.find(stream);
  if (found == streams_.end() || found->second.server_done) return;
  while (!bytes.empty()) {
    const auto piece = bytes.substr(0, wire::kDataLimit);
    transport_->Send(wire::DataHeader(stream, piece.size(), false), piece);
    bytes.remove_prefix(piece.size());
  }
}

void SpdyConnection::SendFin(StreamId stream, std::string_view last) {
  const auto found = streams_.find(stream);
  if (found == streams_.end() || found->second.server_done) return;
  found->second.server_done = true;
  transport_->Send(wire::DataHeader(stream, last.size(), true), last);
  ForgetIfDone(stream);
}

void SpdyConnection::Reset(StreamId stream, ResetCode code) {
  if (streams_.erase(stream) > 0) transport_->Send(wire::ResetFrame(stream, code), {});
}

void SpdyConnection::GoAway() {
  transport_->Send(wire::GoAwayFrame(last_stream_), {});
  transport_->Finish();
}

void SpdyConnection::ForgetIfDone(StreamId stream) {
  const auto found = streams_.find(stream);
  if (found->second.client_done && found->second.server_done) streams_.erase(found);
}

}  // namespace dockershimd::shim::streaming
