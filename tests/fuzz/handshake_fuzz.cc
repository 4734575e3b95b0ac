// Whatever comes as the head of a request: an answer comes back.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "shim/streaming/wire/handshake.h"

using namespace dockershimd::shim::streaming::wire;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto head = ParseHead({reinterpret_cast<const char*>(data), size});
  if (!head) {
    if (!head.error().starts_with("HTTP/1.1 400 ")) std::abort();
    return 0;
  }
  (void)RouteOf(*head);
  for (const auto kind : {SessionKind::kExec, SessionKind::kAttach, SessionKind::kForward}) {
    const auto upgrade = Negotiate(*head, kind);
    const auto& answer = upgrade ? upgrade->answer : upgrade.error();
    if (!answer.starts_with(upgrade ? "HTTP/1.1 101 " : "HTTP/1.1 4")) std::abort();
  }
  return 0;
}
