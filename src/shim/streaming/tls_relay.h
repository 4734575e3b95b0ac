#pragma once

#include <chrono>

#include "base/result.h"
#include "base/unique_fd.h"
#include "shim/streaming/loop.h"
#include "shim/streaming/tls_identity.h"

namespace dockershimd::shim::streaming {

/// Ends TLS before a session: returns the socket on which the session finds the client's bytes in
/// the clear. The handshake, within `handshake_limit`, and everything after it run on the loop;
/// half-closes and ends are passed on in both directions.
[[nodiscard]] base::Result<base::UniqueFd> RelayTls(Loop& loop, TlsIdentity& identity,
                                                    base::UniqueFd client,
                                                    std::chrono::milliseconds handshake_limit);

}  // namespace dockershimd::shim::streaming
