#include "shim/streaming/token_table.h"

#include "base/encoding.h"

namespace dockershimd::shim::streaming {
namespace {

constexpr std::size_t kTokenBytes = 16;

}  // namespace

base::Result<std::string> TokenTable::Insert(Request request, Clock::time_point now) {
  auto entries = entries_.Lock();
  Purge(*entries, now);
  if (entries->size() >= capacity_) {
    return base::Fail(base::Code::kResourceExhausted,
                      "maximum number of in-flight requests exceeded");
  }
  std::string token = base::RandomHex(kTokenBytes);
  entries->emplace(token, Entry{std::move(request), now + lifetime_});
  return token;
}

std::optional<Request> TokenTable::Take(const std::string& token, Clock::time_point now) {
  auto entries = entries_.Lock();
  auto entry = entries->extract(token);
  if (entry.empty() || entry.mapped().expiry <= now) return std::nullopt;
  return std::move(entry.mapped().request);
}

void TokenTable::Purge(Clock::time_point now) { Purge(*entries_.Lock(), now); }

void TokenTable::Purge(Entries& entries, Clock::time_point now) {
  std::erase_if(entries, [&](const auto& entry) { return entry.second.expiry <= now; });
}

}  // namespace dockershimd::shim::streaming
