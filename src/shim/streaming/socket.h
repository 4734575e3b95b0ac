#pragma once

#include <chrono>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"
#include "shim/streaming/loop.h"

struct sockaddr;

namespace dockershimd::shim::streaming {

/// A stream socket on the loop, of any family. Sending never waits: what the kernel does not take
/// is kept and sent later, and whoever sends much asks for Room() first. Used on the loop's thread
/// only.
class Socket : public std::enable_shared_from_this<Socket> {
 public:
  /// Takes over a socket; it becomes non-blocking.
  [[nodiscard]] static base::Result<std::shared_ptr<Socket>> Adopt(Loop& loop, base::UniqueFd fd);
  /// For Adopt only.
  Socket(Loop& loop, int fd);
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  /// Connects within `limit`, or the error of it.
  [[nodiscard]] Awaitable<base::Status> Connect(const sockaddr* address, unsigned size,
                                                std::chrono::milliseconds limit);

  /// Waits for bytes and reads some into `buffer`. Empty once there will be none: WasReset() tells
  /// a broken connection from an orderly end.
  [[nodiscard]] Awaitable<std::string_view> Read(std::span<char> buffer);
  [[nodiscard]] bool WasReset() const { return reset_; }

  /// Sends the pieces one after the other, or drops them where nobody can receive them any more.
  void Send(std::initializer_list<std::string_view> pieces);
  /// Says, after all that was sent, that nothing more comes.
  void FinishSending();
  /// The same, and closes once the peer is done too: at the latest `limit` after the last byte
  /// has left. The reader has to go on, since a close with unread bytes destroys what is under way.
  void FinishThenClose(std::chrono::milliseconds limit);
  void Close();

  /// Waits until so little is still to be sent that more is welcome, or nothing can be sent.
  [[nodiscard]] Awaitable<void> Room(std::size_t limit = kSendLimit);
  [[nodiscard]] std::size_t Unsent() const { return unsent_.size(); }
  /// Whether bytes that are sent from now on may arrive.
  [[nodiscard]] bool CanSend() const { return descriptor_.is_open() && !broken_ && !finishing_; }
  [[nodiscard]] bool IsOpen() const { return descriptor_.is_open(); }
  /// Whether a TCP peer has closed or is lost, which reading would only tell after the bytes that
  /// are still unread.
  [[nodiscard]] bool PeerHasLeft() const;
  /// When bytes have last moved, in either direction.
  [[nodiscard]] std::chrono::steady_clock::time_point LastActivity() const {
    return last_activity_;
  }

  static constexpr std::size_t kSendLimit = 256 << 10;

 private:
  [[nodiscard]] std::size_t TrySend(std::initializer_list<std::string_view> pieces);
  [[nodiscard]] Awaitable<void> Flush(std::shared_ptr<Socket> self);
  [[nodiscard]] Awaitable<void> CloseAfter(std::shared_ptr<Socket> self);
  void OnAllSent();
  void OnBroken();

  Loop& loop_;
  boost::asio::posix::stream_descriptor descriptor_;
  boost::asio::steady_timer close_timer_;
  Signal room_;
  std::string unsent_;
  std::chrono::milliseconds close_limit_{0};
  std::chrono::steady_clock::time_point last_activity_ = std::chrono::steady_clock::now();
  int reads_in_a_row_ = 0;
  bool drained_ = false;  ///< by the last read
  bool flushing_ = false;
  bool finishing_ = false;
  bool closing_ = false;
  bool broken_ = false;
  bool reset_ = false;
};

}  // namespace dockershimd::shim::streaming
