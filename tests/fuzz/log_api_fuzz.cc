// Log text of Docker's API, in whatever pieces it comes: what is handed over are CRI lines, the
// same ones however the text was cut.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "shim/logs/api_source.h"

namespace dockerapi = dockershimd::dockerapi;
namespace logs = dockershimd::shim::logs;

namespace {

std::string LinesOf(std::string_view text, std::size_t piece) {
  std::string all;
  logs::ApiLines lines([&](dockershimd::base::UnixNanos, const std::string& line) { all += line; });
  for (std::size_t at = 0; at < text.size(); at += piece) {
    lines.Feed(dockerapi::OutputStream::kStdout, text.substr(at, piece));
  }
  lines.Flush();
  return all;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::string whole = LinesOf(text, text.size() + 1);
  if (LinesOf(text, 1 + data[0]) != whole) std::abort();
  if (!whole.empty() && whole.back() != '\n') std::abort();
  return 0;
}
