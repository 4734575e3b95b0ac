#include "shim/linux/network_counters.h"

#include <array>
#include <utility>

#include "shim/linux/text_fields.h"

namespace dockershimd::shim::linuxos {

std::vector<InterfaceCounters> ParseNetDev(std::string_view text) {
  // bytes, packets, errors, dropped and four more, received; then the same, sent.
  constexpr std::size_t kColumns = 16;
  std::vector<InterfaceCounters> interfaces;
  while (auto line = TakeLine(text)) {
    const auto colon = line->rfind(':');
    // The two lines of heading have none.
    if (colon == std::string_view::npos) continue;
    auto name = line->substr(0, colon);
    auto rest = line->substr(colon + 1);
    std::array<std::uint64_t, kColumns> numbers{};
    for (auto& number : numbers) number = ParseNumber(TakeWord(rest)).value_or(0);
    InterfaceCounters interface;
    interface.name = TakeWord(name);
    interface.received = {numbers[0], numbers[1], numbers[2], numbers[3]};
    interface.sent = {numbers[8], numbers[9], numbers[10], numbers[11]};
    if (!interface.name.empty() && interface.name != "lo") {
      interfaces.push_back(std::move(interface));
    }
  }
  return interfaces;
}

}  // namespace dockershimd::shim::linuxos
