#include "shim/streaming/tls_relay.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <memory>

#include "base/log.h"
//
#include <boost/asio/buffer.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>

namespace dockershimd::shim::streaming {
namespace {

namespace asio = boost::asio;
namespace ssl = asio::ssl;
using asio::ip::tcp;
using base::Fail;
using boost::system::error_code;

/// A record of TLS holds no more.
constexpr std::size_t kBufferSize = 16 << 10;
/// How long a client has to say goodbye too.
constexpr std::chrono::seconds kGoodbyeLimit(5);

auto Into(error_code& error) { return asio::redirect_error(asio::use_awaitable, error); }

/// Passes on what comes until one side ends: eof where the reader's did in good order.
template <class From, class To>
Awaitable<error_code> Pump(From& from, To& to) {
  std::array<char, kBufferSize> buffer;
  error_code error;
  while (true) {
    const auto count = co_await from.async_read_some(asio::buffer(buffer), Into(error));
    if (error) break;
    const auto bytes = asio::buffer(buffer.data(), count);
    co_await asio::async_write(to, bytes, Into(error));
    if (error) break;
  }
  co_return error;
}

/// Lives as long as its coroutines. On the loop's thread only.
class TlsRelay : public std::enable_shared_from_this<TlsRelay> {
 public:
  TlsRelay(Loop& loop, std::shared_ptr<ssl::context> context, tcp::socket client,
           asio::local::stream_protocol::socket session)
      : loop_(loop),
        context_(std::move(context)),
        client_(std::move(client), *context_),
        session_(std::move(session)),
        timer_(loop.Io()) {}

  void Start(std::chrono::milliseconds handshake_limit) {
    loop_.Spawn(Run(shared_from_this(), handshake_limit));
  }

 private:
  using Self = std::shared_ptr<TlsRelay>;

  Awaitable<void> Run(Self self, std::chrono::milliseconds handshake_limit) {
    CloseIn(handshake_limit);
    error_code error;
    co_await client_.async_handshake(ssl::stream_base::server, Into(error));
    timer_.cancel();
    if (error) {
      spdlog::debug("streaming: TLS handshake: {}", error.message());
      Close();
      co_return;
    }
    loop_.Spawn(ToSession(self));
    co_await ToClient();
  }

  Awaitable<void> ToSession([[maybe_unused]] Self self) {
    error_code error = co_await Pump(client_, session_);
    if (error == asio::error::eof) {
      session_.shutdown(asio::socket_base::shutdown_send, error);
    } else {
      Close();
    }
  }

  Awaitable<void> ToClient() {
    error_code error = co_await Pump(session_, client_);
    // Whoever closes with unread bytes destroys what is under way: the client closes first.
    if (error == asio::error::eof) {
      CloseIn(kGoodbyeLimit);
      co_await client_.async_shutdown(Into(error));
    }
    timer_.cancel();
    Close();
  }

  void CloseIn(std::chrono::milliseconds limit) {
    timer_.expires_after(limit);
    timer_.async_wait([self = shared_from_this()](const error_code& cancelled) {
      if (!cancelled) self->Close();
    });
  }

  void Close() {
    error_code ignored;
    client_.lowest_layer().close(ignored);
    session_.close(ignored);
  }

  Loop& loop_;
  std::shared_ptr<ssl::context> context_;
  ssl::stream<tcp::socket> client_;
  asio::local::stream_protocol::socket session_;
  asio::steady_timer timer_;
};

}  // namespace

base::Result<base::UniqueFd> RelayTls(Loop& loop, TlsIdentity& identity, base::UniqueFd client,
                                      std::chrono::milliseconds handshake_limit) {
  std::array<int, 2> pair{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair.data()) != 0) {
    return Fail(base::ErrnoError(errno, "socketpair"));
  }
  base::UniqueFd ours(pair[0]);
  base::UniqueFd sessions(pair[1]);
  sockaddr_storage address{};
  socklen_t size = sizeof(address);
  ::getsockname(client.Get(), reinterpret_cast<sockaddr*>(&address), &size);
  error_code error;
  tcp::socket socket(loop.Io());
  socket.assign(address.ss_family == AF_INET6 ? tcp::v6() : tcp::v4(), client.Get(), error);
  if (!error) (void)client.Release();
  asio::local::stream_protocol::socket session(loop.Io());
  if (!error) session.assign(asio::local::stream_protocol(), ours.Get(), error);
  if (error) return Fail(base::Code::kResourceExhausted, "take over a client: {}", error.message());
  (void)ours.Release();
  std::make_shared<TlsRelay>(loop, identity.Current(), std::move(socket), std::move(session))
      ->Start(handshake_limit);
  return sessions;
}

}  // namespace dockershimd::shim::streaming
