#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/guarded.h"
#include "dockerapi/client.h"
#include "dockerapi/exchange.h"
#include "dockerapi/http.h"
#include "dockerapi/json_splitter.h"
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

  /// A short call whose answer says nothing.
  [[nodiscard]] base::Status Tell(const base::CallContext& context, HttpRequest request);

  /// A short call whose answer `decode` reads.
  template <class Decode>
  [[nodiscard]] auto Ask(const base::CallContext& context, HttpRequest request, Decode decode)
      -> decltype(decode(std::string_view())) {
    const auto response = Call(context, std::move(request));
    if (!response) return base::Fail(response.error());
    return decode(response->body);
  }

  /// A call on a connection of its own, up to its header. A refusal of Docker's is an error.
  [[nodiscard]] base::Result<Exchange> Open(const base::CallContext& context, HttpRequest request);

  /// As Ask, for what may take long: on a connection of its own.
  template <class Decode>
  [[nodiscard]] auto AskPatiently(const base::CallContext& context, HttpRequest request,
                                  Decode decode) -> decltype(decode(std::string_view())) {
    const auto body = ReadWhole(context, std::move(request));
    if (!body) return base::Fail(body.error());
    return decode(*body);
  }

  /// As Open, asking Docker to make a raw stream of the connection.
  [[nodiscard]] base::Result<HijackedStream> Hijack(const base::CallContext& context,
                                                    HttpRequest request);

  /// Hands over the JSON objects of a body; stops, with success, when `sink` wants no more.
  /// kUnavailable for a body that ends within an object.
  [[nodiscard]] static base::Status ReadObjects(const base::CallContext& context,
                                                Exchange& exchange, const JsonSplitter::Sink& sink);

 private:
  /// A short call outside of the API's versions. Any HTTP answer is a success.
  [[nodiscard]] base::Result<HttpResponse> CallUnversioned(const base::CallContext& context,
                                                           const HttpRequest& request);
  [[nodiscard]] base::Status CheckOldest(const base::CallContext& context);
  /// The path with the API version in front, negotiated first where that was not done yet.
  [[nodiscard]] base::Result<std::string> Versioned(const base::CallContext& context,
                                                    const std::string& target);
  [[nodiscard]] base::Result<std::string> ReadWhole(const base::CallContext& context,
                                                    HttpRequest request);

  ClientOptions options_;
  CallObserver observer_;
  UnaryClient unary_;
  base::Guarded<std::optional<ApiVersion>> version_;
};

}  // namespace dockershimd::dockerapi
