#include "compare/latency.h"

#include <algorithm>
#include <cmath>

namespace dockershimd::compare {
namespace {

double NearestRank(const std::vector<double>& sorted, double share) {
  const auto rank = static_cast<std::size_t>(std::ceil(share * static_cast<double>(sorted.size())));
  return sorted[std::max<std::size_t>(rank, 1) - 1];
}

}  // namespace

Distribution DistributionOf(std::vector<double> milliseconds) {
  if (milliseconds.empty()) return {};
  std::sort(milliseconds.begin(), milliseconds.end());
  return {milliseconds.size(), NearestRank(milliseconds, 0.5), NearestRank(milliseconds, 0.9),
          NearestRank(milliseconds, 0.99)};
}

std::vector<Latency> CompareLatencies(const Samples& left, const Samples& right) {
  std::vector<Latency> result;
  for (const auto& [rpc, samples] : left) {
    const auto other = right.find(rpc);
    if (other == right.end()) continue;
    result.push_back({rpc, DistributionOf(samples), DistributionOf(other->second)});
  }
  return result;
}

}  // namespace dockershimd::compare
