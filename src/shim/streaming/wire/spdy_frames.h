#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "shim/streaming/wire/header_block.h"

namespace dockershimd::shim::streaming::wire {

// SPDY/3.1 as Kubernetes uses it: no flow control, no priorities, no pushed streams.

using StreamId = std::uint32_t;

enum class ResetCode : std::uint32_t { kProtocolError = 1, kRefused = 3, kCancel = 5 };

constexpr std::size_t kDataLimit = (1 << 24) - 1;

/// The 8 bytes before a DATA frame's payload, of at most kDataLimit bytes.
[[nodiscard]] std::string DataHeader(StreamId stream, std::size_t length, bool fin);
/// A reply without headers. The connection's first one begins the compressed stream.
[[nodiscard]] std::string SynReply(StreamId stream, bool first);
[[nodiscard]] std::string ResetFrame(StreamId stream, ResetCode code);
[[nodiscard]] std::string PingFrame(std::uint32_t id);
[[nodiscard]] std::string GoAwayFrame(StreamId last_stream);

/// Reads a client's SPDY bytes, cut in any way. DATA is handed on as it comes; control frames are
/// bounded. Keeps no state of streams.
class SpdyDecoder {
 public:
  class Events {
   public:
    virtual ~Events() = default;
    virtual void OnSynStream(StreamId stream, const Headers& headers, bool fin) = 0;
    virtual void OnData(StreamId stream, std::string_view bytes) = 0;
    virtual void OnFin(StreamId stream) = 0;
    virtual void OnReset(StreamId stream) = 0;
    virtual void OnPing(std::uint32_t id) = 0;
    virtual void OnGoAway() = 0;
  };

  /// An error means that the connection cannot go on.
  [[nodiscard]] base::Status Feed(std::string_view bytes, Events& events);

 private:
  [[nodiscard]] base::Status BeginFrame();
  [[nodiscard]] base::Status OnControl(Events& events);
  [[nodiscard]] base::Status OnHeaderBlock(std::size_t fixed_size, Events& events);

  HeaderInflater inflater_;
  std::string header_;   ///< of the frame that is being read
  std::string control_;  ///< its body so far, of a control frame
  std::size_t remaining_ = 0;
  bool in_frame_ = false;
};

}  // namespace dockershimd::shim::streaming::wire
