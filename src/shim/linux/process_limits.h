#pragma once

#include <cstdint>

namespace dockershimd::shim::linuxos {

/// Whether this process has a capability (CAP_* of linux/capability.h) in its effective set.
[[nodiscard]] bool HasCapability(int capability);

/// This process's OOM score adjustment, -1000 to 1000; 0 if it cannot be read.
[[nodiscard]] int OwnOomScoreAdj();

/// Lets this process open as many files as its hard limit allows; gives the number.
std::uint64_t RaiseOpenFileLimit();

/// How many files this process may open.
[[nodiscard]] std::uint64_t OpenFileLimit();

}  // namespace dockershimd::shim::linuxos
