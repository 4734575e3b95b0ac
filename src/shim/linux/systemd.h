#pragma once

#include <chrono>
#include <string_view>

#include "base/unique_fd.h"

namespace dockershimd::shim::linuxos {

// The little of systemd's protocol that a service needs (sd_notify(3), sd_listen_fds(3)): its
// library would bring half a dozen others into memory. Without systemd each does nothing.

/// Tells the service manager: "READY=1", "RELOADING=1", "STOPPING=1", "WATCHDOG=1".
void NotifyServiceManager(std::string_view message);

/// The period in which the service manager wants to hear WATCHDOG=1; zero: it does not.
[[nodiscard]] std::chrono::microseconds WatchdogPeriod();

/// The first listening Unix socket that was handed over to this process; closed where there is
/// none. To be asked once, before other threads.
[[nodiscard]] base::UniqueFd SocketFromServiceManager();

}  // namespace dockershimd::shim::linuxos
