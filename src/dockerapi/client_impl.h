#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/guarded.h"
#include "dockerapi/client.h"
#include "dockerapi/exchange.h"
#include "dockerapi/http.h"
#include "dockerapi/unary_client.h"

namespace dockershimd::dockerapi {

/// What all calls share: the pool, the negotiated version, the observer.
class Client::Impl {
 public:
  Impl(ClientOptions options, CallObserver observer);

  [[nodiscard]] base::Result<ApiVersion> Negotiate(const base::CallContext& context);

  /// A short call. A refusal of Docker's is an error.
  [[nodiscard]] base::Result<HttpResponse> Call(const base::CallContext& context,
                                                HttpRequest request);

  /// A call on a connection of its own, up to its header. A refusal of Docker's is an error.
  [[nodiscard]] base::Result<Exchange> Open(const base::CallContext& context, HttpRequest request);

  /// As Open, asking Docker to make a raw stream of the connection.
  [[nodiscard]] base::Result<HijackedStream> Hijack(const base::CallContext& context,
                                                    HttpRequest request);

  /// Hands over the lines of a body that never has to end; stops when `on_line` returns false.
  /// `context` is asked for anew before each read, so that it can be a time-out between lines.
  [[nodiscard]] base::Status ReadLines(
      const std::function<base::CallContext()>& context, Exchange& exchange,
      const std::function<base::Result<bool>(std::string_view)>& on_line);

 private:
  /// The path with the API version in front, negotiated first where that was not done yet.
  [[nodiscard]] base::Result<std::string> Versioned(const base::CallContext& context,
                                                    const std::string& target);

  ClientOptions options_;
  CallObserver observer_;
  UnaryClient unary_;
  base::Guarded<std::optional<ApiVersion>> version_;
};

}  // namespace dockershimd::dockerapi
