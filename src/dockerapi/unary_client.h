#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "base/call_context.h"
#include "base/guarded.h"
#include "base/result.h"
#include "dockerapi/exchange.h"
#include "dockerapi/http.h"

namespace dockershimd::dockerapi {

/// Short request-and-answer calls over a pool of kept-alive connections. Thread-safe: each call
/// has a connection for itself. The process must ignore SIGPIPE.
class UnaryClient {
 public:
  /// Of idle connections `max_idle` are kept; those that were idle for `idle_limit` are closed when
  /// a call ends.
  UnaryClient(std::string socket_path, std::chrono::milliseconds call_timeout, std::size_t max_idle,
              std::chrono::milliseconds idle_limit = std::chrono::seconds(20));

  /// Any HTTP answer is a success here. Connections that the engine has closed meanwhile (it was
  /// restarted) are not used again. Should one break just then, what cannot have been carried out
  /// is sent once more: a GET, or a request that did not reach the engine as a whole. Answers of
  /// more than 64 MiB are refused.
  [[nodiscard]] base::Result<HttpResponse> Call(const base::CallContext& context,
                                                const HttpRequest& request);

 private:
  using Clock = std::chrono::steady_clock;
  struct Attempt;
  struct Idle {
    Exchange connection;
    Clock::time_point since;
  };

  [[nodiscard]] std::optional<Exchange> TakeIdle();
  void Return(Exchange connection);
  /// Reads the whole answer.
  [[nodiscard]] base::Result<HttpResponse> Finish(const base::CallContext& context,
                                                  Exchange connection);
  /// On a connection that was used before.
  [[nodiscard]] Attempt TryAgain(const base::CallContext& context, const HttpRequest& request,
                                 Exchange connection);
  [[nodiscard]] base::Result<HttpResponse> TryAnew(const base::CallContext& context,
                                                   const HttpRequest& request);

  std::string socket_path_;
  std::chrono::milliseconds call_timeout_;
  std::size_t max_idle_;
  std::chrono::milliseconds idle_limit_;
  base::Guarded<std::vector<Idle>> idle_;  ///< the last one used is the last
};

}  // namespace dockershimd::dockerapi
