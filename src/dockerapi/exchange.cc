#include "dockerapi/exchange.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <limits>
#include <optional>
#include <stop_token>
#include <utility>

#include "dockerapi/asio.h"

namespace dockershimd::dockerapi {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using base::CallContext;
using base::Code;
using base::Fail;
using boost::system::error_code;

/// How often a caller that can only be asked whether it went away is asked.
constexpr std::chrono::milliseconds kCancelCheck(50);
constexpr std::chrono::seconds kConnectTimeout(5);

http::request<http::string_body> ToBeast(const HttpRequest& request) {
  http::request<http::string_body> message(http::string_to_verb(request.method), request.target,
                                           11);
  message.set(http::field::host, "docker");
  for (const auto& [name, value] : request.headers) message.set(name, value);
  if (!request.body.empty()) message.set(http::field::content_type, request.content_type);
  message.body() = request.body;
  message.prepare_payload();
  return message;
}

}  // namespace

class Exchange::Impl {
 public:
  Impl() : socket_(io_) {}

  base::Status Connect(const CallContext& context, const std::string& socket_path);
  base::Status Send(const CallContext& context, const HttpRequest& request);
  base::Result<std::size_t> Read(const CallContext& context, std::span<char> buffer);
  HijackedStream Hijack();
  [[nodiscard]] bool CanGoOn();
  [[nodiscard]] bool WasSent() const { return was_sent_; }
  [[nodiscard]] int Status() const { return parser_->get().result_int(); }
  [[nodiscard]] std::string Header(std::string_view name) const {
    const auto value = parser_->get()[beast::string_view(name.data(), name.size())];
    return {value.data(), value.size()};
  }
  void Name(const std::string& operation) { operation_ = operation; }
  [[nodiscard]] const std::string& Operation() const { return operation_; }

 private:
  /// Runs one asynchronous operation to its end, or until the context ends.
  template <class AsyncOperation>
  base::Result<error_code> Await(const CallContext& context, AsyncOperation operation);
  base::Status Check(const base::Result<error_code>& outcome, std::string_view what) const;

  std::string operation_;
  asio::io_context io_;
  asio::local::stream_protocol::socket socket_;
  beast::flat_buffer buffer_;
  std::optional<http::response_parser<http::buffer_body>> parser_;
  bool was_sent_ = false;
};

template <class AsyncOperation>
base::Result<error_code> Exchange::Impl::Await(const CallContext& context,
                                               AsyncOperation operation) {
  std::optional<error_code> outcome;
  operation([&](const error_code& error, auto&&...) { outcome = error; });
  const std::stop_callback wake(context.stop, [this] { asio::post(io_, [] {}); });
  std::optional<base::Error> ended;
  io_.restart();
  while (!outcome) {
    if (!ended && context.IsCancelled()) {
      ended = base::Error{Code::kCancelled, operation_ + ": the caller went away", {}};
    } else if (!ended && context.IsExpired()) {
      ended = base::Error{Code::kDeadlineExceeded, operation_ + ": did not end in time", {}};
    }
    if (ended) {
      // The operation itself then ends with an error; its buffers are in use until it has.
      error_code ignored;
      socket_.close(ignored);
      io_.run_one();
      continue;
    }
    const auto wait =
        context.cancelled ? std::min(context.Remaining(), kCancelCheck) : context.Remaining();
    io_.run_one_for(wait);
  }
  if (ended) return Fail(*ended);
  return *outcome;
}

base::Status Exchange::Impl::Check(const base::Result<error_code>& outcome,
                                   std::string_view what) const {
  if (!outcome) return Fail(outcome.error());
  if (!*outcome) return {};
  return Fail(Code::kUnavailable, "{}: {}: {}", operation_, what, outcome->message());
}

base::Status Exchange::Impl::Connect(const CallContext& context, const std::string& socket_path) {
  if (socket_path.size() > 107) {
    return Fail(Code::kInvalidArgument, "socket path '{}' is longer than 107 bytes", socket_path);
  }
  // Asio's own would be inherited by every program that is started meanwhile.
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return Fail(base::ErrnoError(errno, operation_ + ": socket"));
  socket_.assign(asio::local::stream_protocol(), fd);
  const asio::local::stream_protocol::endpoint endpoint(socket_path);
  return Check(Await(context.Within(kConnectTimeout),
                     [&](auto handler) { socket_.async_connect(endpoint, handler); }),
               "cannot connect to Docker's socket " + socket_path);
}

base::Status Exchange::Impl::Send(const CallContext& context, const HttpRequest& request) {
  operation_ = request.operation;
  was_sent_ = false;
  parser_.emplace();
  // Endless by nature (events, logs): the header alone is bounded. "No limit" is no way to say it:
  // Beast 1.74 then refuses every body with a length.
  parser_->body_limit(std::numeric_limits<std::uint64_t>::max());
  parser_->header_limit(1 << 16);
  const auto message = ToBeast(request);
  auto sent =
      Check(Await(context, [&](auto handler) { http::async_write(socket_, message, handler); }),
            "send the request");
  if (!sent) return sent;
  was_sent_ = true;
  return Check(
      Await(context,
            [&](auto handler) { http::async_read_header(socket_, buffer_, *parser_, handler); }),
      "read the answer");
}

bool Exchange::Impl::CanGoOn() {
  if (!socket_.is_open() || !parser_->is_done() || !parser_->keep_alive()) return false;
  pollfd polled{socket_.native_handle(), POLLIN | POLLRDHUP, 0};
  return buffer_.size() == 0 && ::poll(&polled, 1, 0) == 0;
}

base::Result<std::size_t> Exchange::Impl::Read(const CallContext& context, std::span<char> buffer) {
  auto& body = parser_->get().body();
  while (!parser_->is_done()) {
    body.data = buffer.data();
    body.size = buffer.size();
    auto outcome = Await(
        context, [&](auto handler) { http::async_read_some(socket_, buffer_, *parser_, handler); });
    if (outcome && *outcome == http::error::need_buffer) outcome = error_code();
    if (auto checked = Check(outcome, "read the answer"); !checked) return Fail(checked.error());
    const std::size_t count = buffer.size() - body.size;
    if (count > 0) return count;
  }
  return 0;
}

HijackedStream Exchange::Impl::Hijack() {
  HijackedStream stream;
  stream.leftover.assign(static_cast<const char*>(buffer_.data().data()), buffer_.size());
  error_code ignored;
  socket_.non_blocking(false, ignored);
  socket_.native_non_blocking(false, ignored);
  stream.fd = base::UniqueFd(socket_.release(ignored));
  return stream;
}

Exchange::Exchange(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Exchange::Exchange(Exchange&&) noexcept = default;
Exchange& Exchange::operator=(Exchange&&) noexcept = default;
Exchange::~Exchange() = default;

base::Result<Exchange> Exchange::Open(const CallContext& context, const std::string& socket_path,
                                      const HttpRequest& request) {
  try {
    auto impl = std::make_unique<Impl>();
    impl->Name(request.operation);
    auto done = impl->Connect(context, socket_path);
    if (done) done = impl->Send(context, request);
    if (!done) return Fail(done.error());
    return Exchange(std::move(impl));
  } catch (const std::exception& error) {
    return Fail(Code::kInternal, "{}: {}", request.operation, error.what());
  }
}

base::Status Exchange::Send(const CallContext& context, const HttpRequest& request) {
  return impl_->Send(context, request);
}

bool Exchange::CanGoOn() const { return impl_->CanGoOn(); }

bool Exchange::WasSent() const { return impl_->WasSent(); }

std::string Exchange::Header(std::string_view name) const { return impl_->Header(name); }

int Exchange::Status() const { return impl_->Status(); }

const std::string& Exchange::Operation() const { return impl_->Operation(); }

base::Result<std::size_t> Exchange::Read(const CallContext& context, std::span<char> buffer) {
  return impl_->Read(context, buffer);
}

base::Result<std::string> Exchange::ReadAll(const CallContext& context, std::size_t limit) {
  std::string body;
  std::array<char, 16384> buffer;
  while (true) {
    const auto count = Read(context, buffer);
    if (!count) return Fail(count.error());
    if (*count == 0) return body;
    if (body.size() + *count > limit) {
      return Fail(Code::kResourceExhausted, "{}: Docker's answer exceeds {} bytes", Operation(),
                  limit);
    }
    body.append(buffer.data(), *count);
  }
}

HijackedStream Exchange::Hijack() && { return impl_->Hijack(); }

}  // namespace dockershimd::dockerapi
