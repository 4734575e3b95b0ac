#pragma once

#include <optional>

#include "contender.h"
#include "replay_process.h"

namespace dockershimd::bench {

/// Starts pods at each contender until it has `count`. An error names contender and pod.
[[nodiscard]] base::Status GrowTo(int count, Contenders& contenders);

/// Starts, stops and removes `rounds` pods at each contender, one after the other and in turns,
/// and the same calls by `replay`, where there is one.
[[nodiscard]] base::Status MeasureChurn(int rounds, Contenders& contenders, ReplayProcess* replay,
                                        Figures& figures);

}  // namespace dockershimd::bench
