#include "dockerapi/unary_client.h"

#include <httplib.h>
#include <poll.h>

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
  http.body = request.body;
  if (!request.body.empty()) http.set_header("Content-Type", request.content_type);
  return http;
}

/// Whether an idle connection can be used: at its end, or with bytes that nobody asked for, not.
bool IsQuiet(const httplib::Client& connection) {
  pollfd polled{static_cast<int>(connection.socket()), POLLIN | POLLRDHUP, 0};
  return ::poll(&polled, 1, 0) == 0;
}

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
                         std::size_t max_idle)
    : socket_path_(std::move(socket_path)), call_timeout_(call_timeout), max_idle_(max_idle) {}

UnaryClient::~UnaryClient() = default;

UnaryClient::Connection UnaryClient::TakeIdle() {
  auto idle = idle_.Lock();
  while (!idle->empty()) {
    auto connection = std::move(idle->back());
    idle->pop_back();
    if (IsQuiet(*connection)) return connection;
  }
  return nullptr;
}

UnaryClient::Connection UnaryClient::Connect() const {
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

UnaryClient::Attempt UnaryClient::Try(const base::CallContext& context,
                                      const HttpRequest& request) {
  auto connection = TakeIdle();
  const bool reused = connection != nullptr;
  if (!reused) connection = Connect();
  SetTimeout(*connection, std::max(context.Remaining(), std::chrono::milliseconds(1)));
  auto http = ToHttplib(request);
  HttpResponse response;
  bool too_large = false;
  // A 304 has no body, but the library waits for one on a kept-alive connection: reading ends with
  // the header.
  bool unmodified = false;
  http.response_handler = [&](const httplib::Response& header) {
    unmodified = header.status == 304;
    return !unmodified;
  };
  http.content_receiver = [&](const char* data, std::size_t size, std::uint64_t, std::uint64_t) {
    too_large = response.body.size() + size > kBodyLimit;
    if (!too_large) response.body.append(data, size);
    return !too_large;
  };
  const auto result = [&] {
    const auto lease = watch_.Watch(context, [&connection] { connection->stop(); });
    return connection->send(http);
  }();
  const auto cause = result.error();
  if (result || (unmodified && cause == httplib::Error::Canceled)) {
    response.status = unmodified ? 304 : result->status;
    if (result) response.api_version = result->get_header_value("Api-Version");
    Return(std::move(connection));
    return {std::move(response)};
  }
  if (too_large) {
    return {Fail(Code::kResourceExhausted, "{}: Docker's answer exceeds {} bytes",
                 request.operation, kBodyLimit)};
  }
  // The library does not tell a time-out or an interruption from a reset: the context does.
  if (auto ended = EndOf(context, request.operation)) return {Fail(std::move(*ended))};
  if (cause == httplib::Error::Connection) {
    return {Fail(Code::kUnavailable, "{}: cannot connect to Docker's socket {}", request.operation,
                 socket_path_)};
  }
  // Nothing is carried out of a request that could not be written as a whole.
  const bool harmless = request.method == "GET" || cause == httplib::Error::Write;
  return {Fail(Code::kUnavailable, "{}: the connection to Docker broke ({})", request.operation,
               httplib::to_string(cause)),
          reused && harmless};
}

Result<HttpResponse> UnaryClient::Call(const base::CallContext& context,
                                       const HttpRequest& request) {
  const auto limited = context.Within(call_timeout_);
  if (auto ended = EndOf(limited, request.operation)) return Fail(std::move(*ended));
  auto attempt = Try(limited, request);
  if (attempt.may_repeat) {
    // Whatever is in the pool was made before the engine closed its end.
    idle_.Lock()->clear();
    attempt = Try(limited, request);
  }
  return std::move(attempt.response);
}

}  // namespace dockershimd::dockerapi
