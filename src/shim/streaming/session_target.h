#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "base/call_context.h"
#include "base/result.h"
#include "dockerapi/streams.h"
#include "shim/streaming/wire/outcome.h"
#include "shim/streaming/wire/terminal_size.h"

namespace dockershimd::shim::streaming {

/// The container's end of a session: an exec, or the container's own process. Calls block and may
/// come from any thread, at the same time too.
class SessionTarget {
 public:
  struct Opened {
    dockerapi::HijackedStream stream;
    /// The process has ended already: Docker may keep silent on the stream for ever.
    bool may_be_silent = false;
  };
  /// How the stream wants to be treated; known beforehand.
  struct Rules {
    bool framed = true;       ///< stdout and stderr multiplexed; with a terminal they are one
    bool takes_stdin = true;  ///< what the client sends is dropped otherwise
    /// When the process learns that the client's stdin has ended. Never with a terminal: Docker
    /// would take it for a wish to detach.
    std::optional<std::chrono::milliseconds> close_stdin_after;
    /// Output that begins with this may be Docker's own word on why nothing was started: it is
    /// held back until it is clear that it is not.
    std::string_view doubtful_output;
  };

  virtual ~SessionTarget() = default;
  [[nodiscard]] virtual Rules GetRules() const = 0;
  [[nodiscard]] virtual base::Result<Opened> Open(const base::CallContext& context) = 0;
  /// How it ended, once the stream has; nothing while it has not: to be asked again. `held_back` is
  /// the doubtful output, which is cleared where it became part of the outcome.
  [[nodiscard]] virtual std::optional<wire::Outcome> Ending(const base::CallContext& context,
                                                            std::string* held_back) = 0;
  [[nodiscard]] virtual base::Status Resize(const base::CallContext& context,
                                            wire::TerminalSize size) = 0;
  /// The failure of a session that could not be opened, or broke.
  [[nodiscard]] virtual wire::Outcome Failure(const base::Error& error) const = 0;
};

}  // namespace dockershimd::shim::streaming
