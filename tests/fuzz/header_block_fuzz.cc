// Whatever bytes come as a header block, compressed or not: refused or read, never unbounded.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "shim/streaming/wire/header_block.h"

using namespace dockershimd::shim::streaming::wire;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto headers = ParseHeaderBlock(bytes); headers && headers->size() > 64) std::abort();
  // Two blocks of one stream.
  HeaderInflater inflater;
  for (const auto part : {bytes.substr(0, size / 2), bytes.substr(size / 2)}) {
    const auto block = inflater.Inflate(part);
    if (!block) break;
    if (block->size() > 32 << 10) std::abort();
    (void)ParseHeaderBlock(*block);
  }
  return 0;
}
