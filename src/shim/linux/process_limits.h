#pragma once

namespace dockershimd::shim::linuxos {

/// Whether this process has a capability (CAP_* of linux/capability.h) in its effective set.
[[nodiscard]] bool HasCapability(int capability);

/// This process's OOM score adjustment, -1000 to 1000; 0 if it cannot be read.
[[nodiscard]] int OwnOomScoreAdj();

}  // namespace dockershimd::shim::linuxos
