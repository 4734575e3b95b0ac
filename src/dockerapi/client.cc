#include "dockerapi/client.h"

#include <algorithm>
#include <array>
#include <utility>

#include "dockerapi/client_impl.h"
#include "dockerapi/decode.h"

namespace dockershimd::dockerapi {
namespace {

using base::CallContext;
using base::Code;
using base::Fail;
using base::Result;

constexpr std::size_t kErrorBodyLimit = 1 << 20;
constexpr std::size_t kBodyLimit = 64 << 20;

/// Tells the observer about one exchange when it is over.
class Observation {
 public:
  Observation(const CallObserver& observer, const std::string& operation)
      : observer_(observer), operation_(operation), start_(CallContext::Clock::now()) {}
  Observation(const Observation&) = delete;
  Observation& operator=(const Observation&) = delete;
  ~Observation() {
    if (observer_) observer_(operation_, CallContext::Clock::now() - start_, status);
  }
  int status = 0;

 private:
  const CallObserver& observer_;
  const std::string& operation_;
  CallContext::Clock::time_point start_;
};

}  // namespace

Client::Impl::Impl(ClientOptions options, CallObserver observer)
    : options_(std::move(options)),
      observer_(std::move(observer)),
      unary_(options_.socket_path, options_.call_timeout, options_.max_idle_connections) {}

Result<HttpResponse> Client::Impl::CallUnversioned(const CallContext& context,
                                                   const HttpRequest& request) {
  Observation observation(observer_, request.operation);
  auto response = unary_.Call(context, request);
  if (!response) return response;
  observation.status = response->status;
  if (!IsSuccess(response->status)) {
    return Fail(FromDocker(request.operation, response->status, response->body));
  }
  return response;
}

base::Status Client::Impl::CheckOldest(const CallContext& context) {
  const auto response = CallUnversioned(context, RequestTo("GET", "/version"));
  if (!response) return Fail(response.error());
  const auto engine = DecodeVersion(response->body);
  if (!engine) return Fail(engine.error());
  if (engine->min_api <= kNewestApi) return {};
  return Fail(Code::kFailedPrecondition,
              "this Docker engine speaks API {} at least, newer than the {} known here; "
              "upgrade dockershimd",
              engine->min_api.ToString(), kNewestApi.ToString());
}

Result<ApiVersion> Client::Impl::Negotiate(const CallContext& context) {
  const auto response = CallUnversioned(context, RequestTo("GET", "/_ping"));
  if (!response) return Fail(response.error());
  const auto engine = ApiVersion::Parse(response->api_version);
  if (!engine) {
    return Fail(Code::kFailedPrecondition, "what listens at {} names no API version: no Docker?",
                options_.socket_path);
  }
  if (*engine < kOldestApi) {
    return Fail(Code::kFailedPrecondition,
                "this Docker engine speaks API {} at most; {} (Docker 19.03) or newer is needed",
                engine->ToString(), kOldestApi.ToString());
  }
  // Only an engine newer than what is known here can have left all of it behind.
  if (*engine > kNewestApi) {
    if (auto checked = CheckOldest(context); !checked) return Fail(checked.error());
  }
  const ApiVersion negotiated = std::min(*engine, kNewestApi);
  *version_.Lock() = negotiated;
  return negotiated;
}

Result<std::string> Client::Impl::Versioned(const CallContext& context, const std::string& target) {
  auto version = *version_.Lock();
  if (!version) {
    const auto negotiated = Negotiate(context);
    if (!negotiated) return Fail(negotiated.error());
    version = *negotiated;
  }
  return fmt::format("/v{}{}", version->ToString(), target);
}

Result<HttpResponse> Client::Impl::Call(const CallContext& context, HttpRequest request) {
  auto target = Versioned(context, request.target);
  if (!target) return Fail(target.error());
  request.target = std::move(*target);
  return CallUnversioned(context, request);
}

base::Status Client::Impl::Tell(const CallContext& context, HttpRequest request) {
  const auto response = Call(context, std::move(request));
  return response ? base::Status() : Fail(response.error());
}

Result<Exchange> Client::Impl::Open(const CallContext& context, HttpRequest request) {
  auto target = Versioned(context, request.target);
  if (!target) return Fail(target.error());
  request.target = std::move(*target);
  Observation observation(observer_, request.operation);
  auto exchange = Exchange::Open(context, options_.socket_path, request);
  if (!exchange) return exchange;
  observation.status = exchange->Status();
  if (!IsSuccess(exchange->Status())) {
    const auto body = exchange->ReadAll(context.Within(options_.call_timeout), kErrorBodyLimit);
    return Fail(FromDocker(request.operation, exchange->Status(), body.value_or("")));
  }
  return exchange;
}

Result<HijackedStream> Client::Impl::Hijack(const CallContext& context, HttpRequest request) {
  request.headers.emplace_back("Connection", "Upgrade");
  request.headers.emplace_back("Upgrade", "tcp");
  const std::string operation = request.operation;
  auto exchange = Open(context, std::move(request));
  if (!exchange) return Fail(exchange.error());
  // Engines answer 200 instead where something between has dropped the upgrade.
  if (exchange->Status() != 101 && exchange->Status() != 200) {
    return Fail(Code::kInternal, "{}: Docker answered {} instead of a stream", operation,
                exchange->Status());
  }
  return std::move(*exchange).Hijack();
}

Result<std::string> Client::Impl::ReadWhole(const CallContext& context, HttpRequest request) {
  auto exchange = Open(context, std::move(request));
  if (!exchange) return Fail(exchange.error());
  return exchange->ReadAll(context, kBodyLimit);
}

base::Status Client::Impl::ReadObjects(const CallContext& context, Exchange& exchange,
                                       const JsonSplitter::Sink& sink) {
  JsonSplitter splitter;
  std::array<char, 65536> buffer;
  while (true) {
    const auto count = exchange.Read(context, buffer);
    if (!count) return Fail(count.error());
    if (*count == 0) break;
    const auto wanted = splitter.Feed({buffer.data(), *count}, sink);
    if (!wanted) return Fail(wanted.error());
    if (!*wanted) return {};
  }
  if (splitter.AtBoundary()) return {};
  return Fail(Code::kUnavailable, "{}: Docker's answer was cut within an object",
              exchange.Operation());
}

Client::Client(ClientOptions options, CallObserver observer)
    : impl_(std::make_unique<Impl>(std::move(options), std::move(observer))) {}

Client::~Client() = default;

Result<ApiVersion> Client::Negotiate(const CallContext& context) {
  return impl_->Negotiate(context);
}

}  // namespace dockershimd::dockerapi
