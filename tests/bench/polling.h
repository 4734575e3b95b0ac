#pragma once

#include <chrono>

#include "contender.h"

namespace dockershimd::bench {

/// All contenders at the same time, each asked on a thread of its own as a kubelet asks: both lists
/// each second, one pod's statuses with them, the node's status each 5 s, container stats and the
/// image file system each 10 s. Notes the CPU time of daemon, engine and shims for each second, and
/// how long the two lists (a relist of PLEG) took.
void MeasurePolling(std::chrono::seconds duration, Contenders& contenders, Figures& figures);

/// CPU time while nobody asks.
void MeasureIdle(std::chrono::seconds duration, Contenders& contenders, Figures& figures);

}  // namespace dockershimd::bench
