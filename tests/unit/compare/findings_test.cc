#include "compare/findings.h"

#include <gtest/gtest.h>

namespace dockershimd::compare {
namespace {

TEST(Findings, ValuesMeetByMomentAndPath) {
  const Findings left = {{}, {{"running", {{"A.x", "1"}, {"A.y", "2"}, {"A.z", "3"}}}}};
  const Findings right = {{}, {{"running", {{"A.x", "1"}, {"A.y", "4"}, {"A.w", "5"}}}}};
  const auto result = Compare("noun/what", left, right);
  EXPECT_EQ(result.values_compared, 4U);
  ASSERT_EQ(result.differences.size(), 3U);
  EXPECT_EQ(result.differences[0].field, "A.w");
  EXPECT_EQ(result.differences[0].left, std::nullopt);
  EXPECT_EQ(result.differences[0].right, "5");
  EXPECT_EQ(result.differences[1].field, "A.y");
  EXPECT_EQ(result.differences[1].left, "2");
  EXPECT_EQ(result.differences[1].right, "4");
  EXPECT_EQ(result.differences[2].right, std::nullopt);
  EXPECT_EQ(result.differences[2].scenario, "noun/what");
  EXPECT_EQ(result.differences[2].moment, "running");
}

TEST(Findings, WhatOneSideDidNotReachIsNoDifference) {
  const Findings left = {{{"ends", Outcome::kPass, ""}, {"later", Outcome::kPass, ""}},
                         {{"late", {{"A", "1"}}}}};
  const Findings right = {{{"ends", Outcome::kFail, "why"}}, {}};
  const auto result = Compare("s", left, right);
  EXPECT_TRUE(result.differences.empty());
  ASSERT_EQ(result.checks.size(), 2U);
  EXPECT_FALSE(result.checks[0].Same());
  EXPECT_TRUE(result.checks[0].Unexplained());
  EXPECT_TRUE(result.checks[1].Same());
  EXPECT_EQ(result.checks[1].right.outcome, Outcome::kNotReached);
}

TEST(Findings, DetailsAreNotCompared) {
  const Findings left = {{{"same", Outcome::kFail, "one"}}, {}};
  const Findings right = {{{"same", Outcome::kFail, "two"}}, {}};
  EXPECT_TRUE(Compare("s", left, right).checks[0].Same());
}

TEST(Findings, UnsupportedIsNotFailed) {
  const Findings left = {{{"call", Outcome::kUnsupported, ""}}, {}};
  const Findings right = {{{"call", Outcome::kFail, ""}}, {}};
  EXPECT_FALSE(Compare("s", left, right).checks[0].Same());
}

}  // namespace
}  // namespace dockershimd::compare
