// Docker's byte streams, cut anywhere, read the same as in one piece.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "dockerapi/json_splitter.h"
#include "dockerapi/streams.h"

using dockershimd::dockerapi::Demultiplexer;
using dockershimd::dockerapi::JsonSplitter;
using dockershimd::dockerapi::OutputStream;

namespace {

/// All that came out of a stream, and how it ended.
struct Outcome {
  std::string text;
  bool accepted = true;
  bool complete = false;
  bool operator==(const Outcome&) const = default;
};

/// Feeds `bytes` in pieces of `piece` bytes, until they are refused.
template <class Feed>
bool InPieces(std::string_view bytes, std::size_t piece, Feed feed) {
  while (!bytes.empty()) {
    if (!feed(bytes.substr(0, piece))) return false;
    bytes.remove_prefix(std::min(piece, bytes.size()));
  }
  return true;
}

Outcome Demultiplexed(std::string_view bytes, std::size_t piece) {
  Demultiplexer demultiplexer;
  std::string out;
  std::string err;
  const auto sink = [&](OutputStream which, std::string_view payload) {
    (which == OutputStream::kStdout ? out : err).append(payload);
  };
  Outcome outcome;
  outcome.accepted = InPieces(bytes, piece, [&](std::string_view part) {
    return demultiplexer.Feed(part, sink).has_value();
  });
  outcome.text = out + "|" + err;
  outcome.complete = outcome.accepted && demultiplexer.AtFrameBoundary();
  return outcome;
}

Outcome Split(std::string_view bytes, std::size_t piece) {
  JsonSplitter splitter;
  Outcome outcome;
  outcome.accepted = InPieces(bytes, piece, [&](std::string_view part) {
    return splitter
        .Feed(part,
              [&](std::string_view object) {
                if (!object.starts_with('{')) std::abort();
                outcome.text.append(object).append("|");
                return true;
              })
        .has_value();
  });
  outcome.complete = outcome.accepted && splitter.AtBoundary();
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t piece = 1 + data[0] % 16;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (Demultiplexed(bytes, piece) != Demultiplexed(bytes, size)) std::abort();
  if (Split(bytes, piece) != Split(bytes, size)) std::abort();
  return 0;
}
