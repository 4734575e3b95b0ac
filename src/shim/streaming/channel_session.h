#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "shim/streaming/channel_mux.h"
#include "shim/streaming/session_target.h"
#include "shim/streaming/socket.h"
#include "shim/streaming/wire/terminal_size.h"

namespace dockershimd::shim::streaming {

/// An exec or attach session between a client's streams and Docker's hijacked one. Each direction
/// runs by itself: neither waits for the other. Used on the loop's thread only.
class ChannelSession : public std::enable_shared_from_this<ChannelSession> {
 public:
  ChannelSession(Loop& loop, std::shared_ptr<SessionTarget> target)
      : loop_(loop), target_(std::move(target)), rules_(target_->GetRules()), changed_(loop) {}

  /// The client is ready: opens the target and moves the bytes until it ends.
  void Start(std::shared_ptr<ChannelMux> client);

  /// From the client. Before the target is open it is kept.
  void OnStdin(std::string_view bytes);
  void OnStdinEnd();
  void OnResize(std::string_view bytes);
  /// Ends the session without a word; the process in the container goes on.
  void OnGone();

  /// Waits until the process has taken most of the stdin it was sent, or will take none.
  [[nodiscard]] Awaitable<void> Room();

 private:
  using Self = std::shared_ptr<ChannelSession>;
  [[nodiscard]] Awaitable<void> Run(Self self);
  [[nodiscard]] Awaitable<wire::Outcome> MoveOutput();
  [[nodiscard]] Awaitable<wire::Outcome> Ending();
  [[nodiscard]] Awaitable<void> ResizeToLatest(Self self);
  [[nodiscard]] Awaitable<void> CloseStdin(Self self);
  [[nodiscard]] Awaitable<void> CloseAfterSilence(Self self);

  [[nodiscard]] base::Status Adopt(SessionTarget::Opened opened);
  [[nodiscard]] base::Status Deliver(std::span<char> bytes);
  void Emit(dockerapi::OutputStream stream, std::string_view bytes);
  /// False: the bytes may go out as they are.
  [[nodiscard]] bool HoldBack(std::string_view bytes);
  void OutputIsCertain();
  [[nodiscard]] Awaitable<void> StopHoldingBack(Self self);
  void StopStdin();
  void StartResize();

  Loop& loop_;
  std::shared_ptr<SessionTarget> target_;
  SessionTarget::Rules rules_;
  std::shared_ptr<ChannelMux> client_;  ///< until the session is over
  std::shared_ptr<Socket> docker_;      ///< once the target is open
  std::string leftover_;
  dockerapi::Demultiplexer demultiplexer_;
  Signal changed_;

  std::string early_stdin_;
  bool stdin_ended_ = false;
  bool stdin_stopped_ = false;

  wire::TerminalSizeReader sizes_;
  std::optional<wire::TerminalSize> latest_size_;
  bool resizing_ = false;

  std::string held_back_;
  bool output_is_certain_ = false;
  bool gone_ = false;
};

}  // namespace dockershimd::shim::streaming
