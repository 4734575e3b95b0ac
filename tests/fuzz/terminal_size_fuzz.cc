// Whatever text comes on the resize stream: sizes have an extent, however the text is cut.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "shim/streaming/wire/terminal_size.h"

using namespace dockershimd::shim::streaming::wire;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  TerminalSizeReader whole;
  const auto sizes = whole.Feed(bytes);
  for (const auto& one : sizes) {
    if (one.width == 0 || one.height == 0) std::abort();
  }
  TerminalSizeReader cut;
  auto cut_sizes = cut.Feed(bytes.substr(0, size / 2));
  const auto rest = cut.Feed(bytes.substr(size / 2));
  cut_sizes.insert(cut_sizes.end(), rest.begin(), rest.end());
  if (cut_sizes != sizes) std::abort();
  return 0;
}
