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
constexpr std::size_t kLineLimit = 16 << 20;

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

Result<ApiVersion> Client::Impl::Negotiate(const CallContext& context) {
  const auto response = unary_.Call(context, {.operation = "GET /version",
                                              .method = "GET",
                                              .target = "/version",
                                              .body = {},
                                              .headers = {}});
  if (!response) return Fail(response.error());
  if (!IsSuccess(response->status)) {
    return Fail(FromDocker("GET /version", response->status, response->body));
  }
  const auto engine = DecodeVersion(response->body);
  if (!engine) return Fail(engine.error());
  if (engine->api < kOldestApi) {
    return Fail(Code::kFailedPrecondition,
                "this Docker engine speaks API {} at most; {} (Docker 19.03) or newer is needed",
                engine->api.ToString(), kOldestApi.ToString());
  }
  if (engine->min_api > kNewestApi) {
    return Fail(Code::kFailedPrecondition,
                "this Docker engine speaks API {} at least, newer than the {} known here; "
                "upgrade dockershimd",
                engine->min_api.ToString(), kNewestApi.ToString());
  }
  const ApiVersion negotiated = std::min(engine->api, kNewestApi);
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
  Observation observation(observer_, request.operation);
  auto response = unary_.Call(context, request);
  if (!response) return response;
  observation.status = response->status;
  if (!IsSuccess(response->status)) {
    return Fail(FromDocker(request.operation, response->status, response->body));
  }
  return response;
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
  auto exchange = Open(context, std::move(request));
  if (!exchange) return Fail(exchange.error());
  return std::move(*exchange).Hijack();
}

base::Status Client::Impl::ReadLines(const std::function<CallContext()>& context,
                                     Exchange& exchange,
                                     const std::function<Result<bool>(std::string_view)>& on_line) {
  std::string pending;
  std::array<char, 65536> buffer;
  while (true) {
    const auto count = exchange.Read(context(), buffer);
    if (!count) return Fail(count.error());
    if (*count == 0) break;
    pending.append(buffer.data(), *count);
    std::string_view rest = pending;
    for (auto end = rest.find('\n'); end != std::string_view::npos; end = rest.find('\n')) {
      const auto line = rest.substr(0, end);
      rest.remove_prefix(end + 1);
      if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
      const auto wanted = on_line(line);
      if (!wanted) return Fail(wanted.error());
      if (!*wanted) return {};
    }
    pending.erase(0, pending.size() - rest.size());
    if (pending.size() > kLineLimit) {
      return Fail(Code::kInternal, "Docker sent a line of more than {} bytes", kLineLimit);
    }
  }
  if (pending.find_first_not_of(" \t\r\n") == std::string::npos) return {};
  const auto last = on_line(pending);
  return last ? base::Status() : Fail(last.error());
}

Client::Client(ClientOptions options, CallObserver observer)
    : impl_(std::make_unique<Impl>(std::move(options), std::move(observer))) {}

Client::~Client() = default;

Result<ApiVersion> Client::Negotiate(const CallContext& context) {
  return impl_->Negotiate(context);
}

}  // namespace dockershimd::dockerapi
