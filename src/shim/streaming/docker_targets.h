#pragma once

#include <memory>

#include "dockerapi/client.h"
#include "shim/streaming/requests.h"
#include "shim/streaming/session_target.h"

namespace dockershimd::shim::streaming {

/// A command that Docker starts once the session opens: before, nothing is left behind.
[[nodiscard]] std::shared_ptr<SessionTarget> MakeExecTarget(dockerapi::Client& docker,
                                                            ExecRequest request);

/// A container's own process.
[[nodiscard]] std::shared_ptr<SessionTarget> MakeAttachTarget(dockerapi::Client& docker,
                                                              AttachRequest request);

}  // namespace dockershimd::shim::streaming
