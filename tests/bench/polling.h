#pragma once

#include <chrono>
#include <string>

#include "contender.h"

namespace dockershimd::bench {

/// All contenders at the same time, each asked on a thread of its own as a kubelet asks: both lists
/// each second, one pod's statuses with them, the node's status each 5 s, container stats and the
/// image file system each 10 s. Notes the CPU time of daemon, engine and shims for each second, and
/// how long the two lists (a relist of PLEG) took.
void MeasurePolling(std::chrono::seconds duration, Contenders& contenders, Figures& figures);

/// What the polling itself costs: Docker's engine is never quite at rest, whoever asks.
inline const std::string kPollingBeyondIdle =
    "kubelet polls, beyond idle: daemon + engine, cpu-ms/s";

/// CPU time while nobody asks; after MeasurePolling, of which it notes the part beyond that.
void MeasureIdle(std::chrono::seconds duration, Contenders& contenders, Figures& figures);

}  // namespace dockershimd::bench
