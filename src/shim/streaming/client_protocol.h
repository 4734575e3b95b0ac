#pragma once

#include <span>
#include <string>

#include "base/result.h"
#include "shim/streaming/loop.h"

namespace dockershimd::shim::streaming {

/// What a client's connection speaks after the 101.
class ClientProtocol {
 public:
  virtual ~ClientProtocol() = default;

  /// Takes bytes from the client; it may change them in place. After an error, or once the client
  /// has said goodbye, the connection cannot go on.
  [[nodiscard]] virtual base::Status Feed(std::span<char> bytes) = 0;

  /// Waits until what was fed is well on its way, so that a slow container slows its client down.
  [[nodiscard]] virtual Awaitable<void> Room() = 0;

  /// Whether the client has opened all that the session needs: there is a limit of time for it.
  [[nodiscard]] virtual bool IsSetUp() const = 0;

  /// Ends the session from this side and lets the client know why.
  virtual void Abort(const std::string& reason) = 0;

  /// The client is gone: lets go of everything. Called once, at last.
  virtual void OnGone() = 0;
};

}  // namespace dockershimd::shim::streaming
