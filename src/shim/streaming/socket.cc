#include "shim/streaming/socket.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace dockershimd::shim::streaming {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

/// A socket that always has something to read lets the others have a turn now and then.
constexpr int kReadsInARow = 8;
/// A buffer of this size is given back once it is empty.
constexpr std::size_t kKeptCapacity = 4 << 10;
constexpr std::size_t kMaxPieces = 4;

bool WouldBlock(int error) { return error == EAGAIN || error == EWOULDBLOCK; }

}  // namespace

base::Result<std::shared_ptr<Socket>> Socket::Adopt(Loop& loop, base::UniqueFd fd) {
  const int flags = ::fcntl(fd.Get(), F_GETFL);
  if (flags < 0 || ::fcntl(fd.Get(), F_SETFL, flags | O_NONBLOCK) != 0) {
    return base::Fail(base::ErrnoError(errno, "take over a socket"));
  }
  try {
    auto socket = std::make_shared<Socket>(loop, fd.Get());
    (void)fd.Release();
    return socket;
  } catch (const boost::system::system_error& error) {
    return base::Fail(base::Code::kResourceExhausted, "take over a socket: {}", error.what());
  }
}

Socket::Socket(Loop& loop, int fd)
    : loop_(loop), descriptor_(loop.Io(), fd), close_timer_(loop.Io()), room_(loop) {}

Awaitable<base::Status> Socket::Connect(const sockaddr* address, unsigned size,
                                        std::chrono::milliseconds limit) {
  const auto self = shared_from_this();
  if (::connect(descriptor_.native_handle(), address, size) == 0) co_return base::Status();
  if (errno != EINPROGRESS) co_return base::Fail(base::ErrnoError(errno, "connect"));
  asio::steady_timer timer(loop_.Io(), limit);
  bool expired = false;
  timer.async_wait([&expired, self](const error_code& error) {
    if (error) return;
    expired = true;
    error_code ignored;
    self->descriptor_.cancel(ignored);
  });
  error_code error;
  co_await descriptor_.async_wait(asio::posix::stream_descriptor::wait_write,
                                  asio::redirect_error(asio::use_awaitable, error));
  if (expired) co_return base::Fail(base::ErrnoError(ETIMEDOUT, "connect"));
  // A timer that has just expired could still write to what this coroutine owns.
  if (timer.cancel() == 0) co_await asio::post(asio::use_awaitable);
  if (error) co_return base::Fail(base::Code::kCancelled, "connect: {}", error.message());
  int failed = 0;
  socklen_t length = sizeof(failed);
  ::getsockopt(descriptor_.native_handle(), SOL_SOCKET, SO_ERROR, &failed, &length);
  if (failed != 0) co_return base::Fail(base::ErrnoError(failed, "connect"));
  co_return base::Status();
}

Awaitable<std::string_view> Socket::Read(std::span<char> buffer) {
  const auto self = shared_from_this();
  // After a read that took all there was, another would most likely find nothing.
  bool may_try = !drained_ && ++reads_in_a_row_ < kReadsInARow;
  while (descriptor_.is_open()) {
    if (may_try) {
      const ssize_t count =
          ::recv(descriptor_.native_handle(), buffer.data(), buffer.size(), MSG_DONTWAIT);
      if (count > 0) {
        last_activity_ = std::chrono::steady_clock::now();
        const std::string_view bytes(buffer.data(), static_cast<std::size_t>(count));
        drained_ = bytes.size() < buffer.size();
        co_return bytes;
      }
      if (count == 0) co_return std::string_view();
      if (!WouldBlock(errno) && errno != EINTR) {
        reset_ = true;
        co_return std::string_view();
      }
    }
    error_code error;
    co_await descriptor_.async_wait(asio::posix::stream_descriptor::wait_read,
                                    asio::redirect_error(asio::use_awaitable, error));
    if (error) break;
    may_try = true;
    reads_in_a_row_ = 0;
  }
  reset_ = true;
  co_return std::string_view();
}

std::size_t Socket::TrySend(std::initializer_list<std::string_view> pieces) {
  std::array<iovec, kMaxPieces> vectors;
  std::size_t count = 0;
  for (const auto piece : pieces) {
    if (!piece.empty()) vectors[count++] = {const_cast<char*>(piece.data()), piece.size()};
  }
  msghdr message{};
  message.msg_iov = vectors.data();
  message.msg_iovlen = count;
  while (count > 0) {
    const ssize_t sent =
        ::sendmsg(descriptor_.native_handle(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) {
      last_activity_ = std::chrono::steady_clock::now();
      return static_cast<std::size_t>(sent);
    }
    if (errno == EINTR) continue;
    if (!WouldBlock(errno)) OnBroken();
    break;
  }
  return 0;
}

void Socket::Send(std::initializer_list<std::string_view> pieces) {
  if (!CanSend()) return;
  std::size_t sent = unsent_.empty() ? TrySend(pieces) : 0;
  if (broken_) return;
  for (const auto piece : pieces) {
    const std::size_t skipped = std::min(sent, piece.size());
    sent -= skipped;
    unsent_.append(piece.substr(skipped));
  }
  if (unsent_.empty() || flushing_) return;
  flushing_ = true;
  loop_.Spawn(Flush(shared_from_this()));
}

Awaitable<void> Socket::Flush([[maybe_unused]] std::shared_ptr<Socket> self) {
  std::size_t done = 0;
  while (!broken_ && descriptor_.is_open()) {
    error_code error;
    co_await descriptor_.async_wait(asio::posix::stream_descriptor::wait_write,
                                    asio::redirect_error(asio::use_awaitable, error));
    if (error) break;
    done += TrySend({std::string_view(unsent_).substr(done)});
    // Moving bytes costs less than it saves once half of them are gone.
    if (done * 2 < unsent_.size()) continue;
    unsent_.erase(0, std::exchange(done, 0));
    room_.Notify();
    if (unsent_.empty()) break;
  }
  flushing_ = false;
  if (unsent_.empty() && unsent_.capacity() > kKeptCapacity) unsent_.shrink_to_fit();
  if (unsent_.empty()) OnAllSent();
  room_.Notify();
}

bool Socket::PeerHasLeft() const {
  tcp_info info{};
  socklen_t size = sizeof(info);
  const int asked = ::getsockopt(const_cast<Socket*>(this)->descriptor_.native_handle(),
                                 IPPROTO_TCP, TCP_INFO, &info, &size);
  return asked == 0 && (info.tcpi_state == TCP_CLOSE || info.tcpi_state == TCP_CLOSE_WAIT ||
                        info.tcpi_state == TCP_LAST_ACK || info.tcpi_state == TCP_CLOSING);
}

void Socket::FinishSending() {
  if (finishing_) return;
  finishing_ = true;
  if (!flushing_) OnAllSent();
}

void Socket::FinishThenClose(std::chrono::milliseconds limit) {
  closing_ = true;
  close_limit_ = limit;
  if (finishing_ && !flushing_) {
    OnAllSent();
  } else {
    FinishSending();
  }
}

void Socket::OnAllSent() {
  if (!finishing_ || !descriptor_.is_open()) return;
  ::shutdown(descriptor_.native_handle(), SHUT_WR);
  if (closing_) loop_.Spawn(CloseAfter(shared_from_this()));
}

Awaitable<void> Socket::CloseAfter([[maybe_unused]] std::shared_ptr<Socket> self) {
  if (!descriptor_.is_open()) co_return;
  error_code error;
  close_timer_.expires_after(close_limit_);
  co_await close_timer_.async_wait(asio::redirect_error(asio::use_awaitable, error));
  if (!error) Close();
}

void Socket::OnBroken() {
  broken_ = true;
  unsent_ = {};
  room_.Notify();
}

void Socket::Close() {
  if (!descriptor_.is_open()) return;
  OnBroken();
  close_timer_.cancel();
  error_code ignored;
  descriptor_.close(ignored);
}

Awaitable<void> Socket::Room(std::size_t limit) {
  const auto self = shared_from_this();
  while (descriptor_.is_open() && !broken_ && unsent_.size() > limit) co_await room_.Wait();
}

}  // namespace dockershimd::shim::streaming
