#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

namespace dockershimd::compare {

/// How long calls took, in milliseconds.
struct Distribution {
  std::size_t count = 0;
  double p50 = 0;
  double p90 = 0;
  double p99 = 0;
};

/// Percentiles by nearest rank: each is a time that was measured.
[[nodiscard]] Distribution DistributionOf(std::vector<double> milliseconds);

/// Samples of each RPC on one side, in milliseconds.
using Samples = std::map<std::string, std::vector<double>>;

/// One RPC on both sides.
struct Latency {
  std::string rpc;
  Distribution left;
  Distribution right;

  /// How many times as long the right side's median is; 0 where a side has no sample.
  [[nodiscard]] double Ratio() const {
    return left.p50 > 0 && right.count > 0 ? right.p50 / left.p50 : 0;
  }
};

/// RPCs that both sides answered, by name.
[[nodiscard]] std::vector<Latency> CompareLatencies(const Samples& left, const Samples& right);

}  // namespace dockershimd::compare
