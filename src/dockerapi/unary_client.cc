#include "dockerapi/unary_client.h"

#include <utility>

namespace dockershimd::dockerapi {
namespace {

using base::Code;
using base::Fail;
using base::Result;

constexpr std::size_t kBodyLimit = 64 << 20;

std::optional<base::Error> EndOf(const base::CallContext& context, std::string_view operation) {
  if (context.IsCancelled()) {
    return base::Error{Code::kCancelled, fmt::format("{}: the caller went away", operation), {}};
  }
  if (context.IsExpired()) {
    return base::Error{
        Code::kDeadlineExceeded, fmt::format("{}: Docker did not answer in time", operation), {}};
  }
  return std::nullopt;
}

}  // namespace

struct UnaryClient::Attempt {
  Result<HttpResponse> response;
  bool may_repeat = false;
};

UnaryClient::UnaryClient(std::string socket_path, std::chrono::milliseconds call_timeout,
                         std::size_t max_idle, std::chrono::milliseconds idle_limit)
    : socket_path_(std::move(socket_path)),
      call_timeout_(call_timeout),
      max_idle_(max_idle),
      idle_limit_(idle_limit) {}

std::optional<Exchange> UnaryClient::TakeIdle() {
  auto idle = idle_.Lock();
  while (!idle->empty()) {
    auto connection = std::move(idle->back().connection);
    idle->pop_back();
    if (connection.CanGoOn()) return connection;
  }
  return std::nullopt;
}

void UnaryClient::Return(Exchange connection) {
  const auto now = Clock::now();
  auto idle = idle_.Lock();
  std::erase_if(*idle, [&](const Idle& other) { return now - other.since > idle_limit_; });
  if (idle->size() < max_idle_) idle->push_back({std::move(connection), now});
}

Result<HttpResponse> UnaryClient::Finish(const base::CallContext& context, Exchange connection) {
  auto body = connection.ReadAll(context, kBodyLimit);
  if (!body) return Fail(body.error());
  HttpResponse response{connection.Status(), std::move(*body), connection.Header("Api-Version")};
  if (connection.CanGoOn()) Return(std::move(connection));
  return response;
}

UnaryClient::Attempt UnaryClient::TryAgain(const base::CallContext& context,
                                           const HttpRequest& request, Exchange connection) {
  const auto broke = [](const base::Error& error) { return error.code == Code::kUnavailable; };
  const bool is_get = request.method == "GET";
  if (auto sent = connection.Send(context, request); !sent) {
    // Nothing is carried out of a request that could not be written as a whole.
    return {Fail(sent.error()), broke(sent.error()) && (is_get || !connection.WasSent())};
  }
  auto response = Finish(context, std::move(connection));
  const bool may_repeat = !response && broke(response.error()) && is_get;
  return {std::move(response), may_repeat};
}

Result<HttpResponse> UnaryClient::TryAnew(const base::CallContext& context,
                                          const HttpRequest& request) {
  auto connection = Exchange::Open(context, socket_path_, request);
  if (!connection) return Fail(connection.error());
  return Finish(context, std::move(*connection));
}

Result<HttpResponse> UnaryClient::Call(const base::CallContext& context,
                                       const HttpRequest& request) {
  const auto limited = context.Within(call_timeout_);
  if (auto ended = EndOf(limited, request.operation)) return Fail(std::move(*ended));
  if (auto idle = TakeIdle()) {
    auto attempt = TryAgain(limited, request, std::move(*idle));
    if (!attempt.may_repeat) return std::move(attempt.response);
    // Whatever is in the pool was made before the engine closed its end.
    idle_.Lock()->clear();
  }
  return TryAnew(limited, request);
}

}  // namespace dockershimd::dockerapi
