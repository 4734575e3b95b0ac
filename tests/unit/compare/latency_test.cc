#include "compare/latency.h"

#include <gtest/gtest.h>

namespace dockershimd::compare {
namespace {

TEST(Latency, PercentilesAreTimesThatWereMeasured) {
  std::vector<double> times;
  for (int i = 100; i >= 1; --i) times.push_back(i);
  const auto distribution = DistributionOf(times);
  EXPECT_EQ(distribution.count, 100U);
  EXPECT_EQ(distribution.p50, 50);
  EXPECT_EQ(distribution.p90, 90);
  EXPECT_EQ(distribution.p99, 99);
}

TEST(Latency, OneSampleIsEveryPercentile) {
  const auto distribution = DistributionOf({7});
  EXPECT_EQ(distribution.p50, 7);
  EXPECT_EQ(distribution.p99, 7);
  EXPECT_EQ(DistributionOf({}).count, 0U);
}

TEST(Latency, ComparesWhatBothSidesAnswered) {
  const auto rows = CompareLatencies({{"Version", {2, 2}}, {"Only", {1}}}, {{"Version", {3}}});
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].rpc, "Version");
  EXPECT_DOUBLE_EQ(rows[0].Ratio(), 1.5);
}

}  // namespace
}  // namespace dockershimd::compare
