// Whatever stands in a position file, or in a stream's: it is what was stored, or nothing.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

#include "shim/logs/position.h"
#include "shim/logs/stream_file.h"

namespace logs = dockershimd::shim::logs;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view stored(reinterpret_cast<const char*>(data), size);
  if (const auto position = logs::DecodePosition(stored)) {
    if (logs::EncodePosition(*position) != stored) std::abort();
  }
  logs::Position any;
  std::memcpy(static_cast<void*>(&any), data, std::min(size, sizeof(any)));
  const std::string encoded = logs::EncodePosition(any);
  const auto decoded = logs::DecodePosition(encoded);
  if (!decoded || logs::EncodePosition(*decoded) != encoded) std::abort();
  (void)logs::MarkOf(stored);
  if (const auto stream = logs::DecodeStream("id", stored)) {
    const auto again = logs::DecodeStream("id", logs::EncodeStream(*stream));
    if (!again || again->cri_log != stream->cri_log || again->tty != stream->tty) std::abort();
  }
  return 0;
}
