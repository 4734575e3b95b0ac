#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "base/call_context.h"
#include "base/guarded.h"
#include "base/result.h"
#include "dockerapi/call_watch.h"
#include "dockerapi/http.h"

namespace httplib {
class Client;
}

namespace dockershimd::dockerapi {

/// Short request-and-answer calls over a pool of kept-alive connections. Thread-safe: each call
/// has a connection for itself. The process must ignore SIGPIPE.
class UnaryClient {
 public:
  UnaryClient(std::string socket_path, std::chrono::milliseconds call_timeout,
              std::size_t max_idle);
  ~UnaryClient();
  UnaryClient(const UnaryClient&) = delete;
  UnaryClient& operator=(const UnaryClient&) = delete;

  /// Any HTTP answer is a success here. Connections that the engine has closed meanwhile (it was
  /// restarted) are not used again. Should one break just then, what cannot have been carried out
  /// is sent once more: a GET, or a request that did not reach the engine as a whole. Answers of
  /// more than 64 MiB are refused.
  [[nodiscard]] base::Result<HttpResponse> Call(const base::CallContext& context,
                                                const HttpRequest& request);

 private:
  using Connection = std::unique_ptr<httplib::Client>;
  struct Attempt;

  [[nodiscard]] Connection TakeIdle();
  [[nodiscard]] Connection Connect() const;
  void Return(Connection connection);
  [[nodiscard]] Attempt Try(const base::CallContext& context, const HttpRequest& request);

  std::string socket_path_;
  std::chrono::milliseconds call_timeout_;
  std::size_t max_idle_;
  CallWatch watch_;
  base::Guarded<std::vector<Connection>> idle_;
};

}  // namespace dockershimd::dockerapi
