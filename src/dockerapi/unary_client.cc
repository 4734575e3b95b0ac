#include "dockerapi/unary_client.h"

#include <httplib.h>

#include <utility>

namespace dockershimd::dockerapi {
namespace {

using base::Code;
using base::Fail;
using base::Result;

constexpr std::size_t kBodyLimit = 64 << 20;
constexpr std::chrono::seconds kConnectTimeout(5);

void SetTimeout(httplib::Client& client, std::chrono::milliseconds timeout) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(timeout);
  const auto rest = std::chrono::microseconds(timeout - seconds).count();
  client.set_read_timeout(static_cast<time_t>(seconds.count()), static_cast<time_t>(rest));
  client.set_write_timeout(static_cast<time_t>(seconds.count()), static_cast<time_t>(rest));
}

httplib::Request ToHttplib(const HttpRequest& request) {
  httplib::Request http;
  http.method = request.method;
  http.path = request.target;
  for (const auto& [name, value] : request.headers) http.set_header(name, value);
  if (request.method != "GET") {
    http.body = request.body;
    http.set_header("Content-Type", request.content_type);
  }
  return http;
}

base::Error TransportError(const base::CallContext& context, const HttpRequest& request,
                           httplib::Error cause, bool too_large) {
  const auto text = [&](std::string_view what) {
    return fmt::format("{}: {}", request.operation, what);
  };
  if (too_large) return {Code::kResourceExhausted, text("Docker's answer exceeds 64 MiB"), {}};
  if (cause == httplib::Error::Connection) {
    return {Code::kUnavailable, text("cannot connect to Docker's socket"), {}};
  }
  // The library does not tell a time-out from a reset: the clock does.
  if (context.IsExpired())
    return {Code::kDeadlineExceeded, text("Docker did not answer in time"), {}};
  return {Code::kUnavailable,
          text(fmt::format("the connection to Docker broke ({})", httplib::to_string(cause))),
          {}};
}

}  // namespace

UnaryClient::UnaryClient(std::string socket_path, std::chrono::milliseconds call_timeout,
                         std::size_t max_idle)
    : socket_path_(std::move(socket_path)), call_timeout_(call_timeout), max_idle_(max_idle) {}

UnaryClient::~UnaryClient() = default;

UnaryClient::Connection UnaryClient::Lease() {
  {
    auto idle = idle_.Lock();
    if (!idle->empty()) {
      auto connection = std::move(idle->back());
      idle->pop_back();
      return connection;
    }
  }
  auto connection = std::make_unique<httplib::Client>(socket_path_);
  connection->set_address_family(AF_UNIX);
  connection->set_keep_alive(true);
  connection->set_url_encode(false);
  connection->set_connection_timeout(kConnectTimeout);
  // By default the library sends the socket's path, which dockerd refuses.
  connection->set_default_headers({{"Host", "docker"}});
  return connection;
}

void UnaryClient::Return(Connection connection) {
  auto idle = idle_.Lock();
  if (idle->size() < max_idle_) idle->push_back(std::move(connection));
}

Result<HttpResponse> UnaryClient::CallOnce(const base::CallContext& context,
                                           const HttpRequest& request) {
  const auto limited = context.Within(call_timeout_);
  auto connection = Lease();
  SetTimeout(*connection, std::max(limited.Remaining(), std::chrono::milliseconds(1)));
  auto http = ToHttplib(request);
  HttpResponse response;
  bool too_large = false;
  // A 304 has no body, but the library waits for one on a kept-alive connection: the status is
  // taken when the header is there, and reading ends with it.
  http.response_handler = [&](const httplib::Response& header) {
    response.status = header.status;
    return header.status != 304;
  };
  http.content_receiver = [&](const char* data, std::size_t size, std::uint64_t, std::uint64_t) {
    too_large = response.body.size() + size > kBodyLimit;
    if (!too_large) response.body.append(data, size);
    return !too_large;
  };
  auto result = connection->send(http);
  // The library does not show a 204 to the handler.
  if (result) response.status = result->status;
  if (result || (result.error() == httplib::Error::Canceled && response.status == 304)) {
    Return(std::move(connection));
    return response;
  }
  return Fail(TransportError(limited, request, result.error(), too_large));
}

Result<HttpResponse> UnaryClient::Call(const base::CallContext& context,
                                       const HttpRequest& request) {
  if (context.IsExpired()) {
    return Fail(Code::kDeadlineExceeded, "{}: no time left", request.operation);
  }
  if (context.IsCancelled()) {
    return Fail(Code::kCancelled, "{}: the caller went away", request.operation);
  }
  auto response = CallOnce(context, request);
  const bool stale = !response && response.error().code == Code::kUnavailable;
  if (stale && request.method == "GET") {
    // Whatever is in the pool was made before the engine closed its end.
    idle_.Lock()->clear();
    response = CallOnce(context, request);
  }
  return response;
}

}  // namespace dockershimd::dockerapi
