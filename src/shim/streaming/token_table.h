#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <unordered_map>
#include <variant>

#include "base/guarded.h"
#include "base/result.h"
#include "shim/streaming/requests.h"

namespace dockershimd::shim::streaming {

using Request = std::variant<ExecRequest, AttachRequest, ForwardRequest>;

/// Requests that wait for their client, by tokens that nobody can guess and that are good once.
/// Thread-safe.
class TokenTable {
 public:
  using Clock = std::chrono::steady_clock;

  TokenTable(std::size_t capacity, Clock::duration lifetime)
      : capacity_(capacity), lifetime_(lifetime) {}

  /// Keeps a request for its client; returns the token. kResourceExhausted: too many wait.
  [[nodiscard]] base::Result<std::string> Insert(Request request, Clock::time_point now);

  /// Hands the request out; nothing for a token that is unknown, used or too old.
  [[nodiscard]] std::optional<Request> Take(const std::string& token, Clock::time_point now);

  /// Forgets what is too old.
  void Purge(Clock::time_point now);

 private:
  struct Entry {
    Request request;
    Clock::time_point expiry;
  };
  using Entries = std::unordered_map<std::string, Entry>;

  static void Purge(Entries& entries, Clock::time_point now);

  std::size_t capacity_;
  Clock::duration lifetime_;
  base::Guarded<Entries> entries_;
};

}  // namespace dockershimd::shim::streaming
