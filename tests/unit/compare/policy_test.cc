#include "compare/policy.h"

#include <gmock/gmock.h>

namespace dockershimd::compare {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Report WithDifference() {
  Report report;
  report.scenarios.push_back(
      {"a/b", "", Compare("a/b", {{}, {{"m", {{"x", "1"}}}}}, {{}, {{"m", {{"x", "2"}}}}})});
  report.latencies.push_back({"Version", {1, 2, 2, 2}, {1, 4, 4, 4}});
  report.stale.push_back({});
  return report;
}

TEST(Policy, IsRead) {
  const auto policy = ParsePolicy({"difference", "stale", "slower:1.5"});
  ASSERT_TRUE(policy);
  EXPECT_TRUE(policy->on_difference);
  EXPECT_TRUE(policy->on_stale);
  EXPECT_DOUBLE_EQ(policy->slower, 1.5);
}

TEST(Policy, MistakesAreNamed) {
  for (const char* value :
       {"differences", "slower", "slower:", "slower:x", "slower:2x", "slower:0", "slower:-1", ""}) {
    const auto policy = ParsePolicy({value});
    ASSERT_FALSE(policy) << value;
    EXPECT_THAT(policy.error().message, HasSubstr("--fail-on"));
  }
}

TEST(Policy, FailsOnlyOnWhatItNames) {
  const auto report = WithDifference();
  EXPECT_THAT(ViolationsOf({}, report), IsEmpty());
  EXPECT_THAT(ViolationsOf({true, false, 0}, report), ElementsAre(HasSubstr("1 unexplained")));
  EXPECT_THAT(ViolationsOf({false, true, 0}, report), ElementsAre(HasSubstr("nothing met")));
  EXPECT_THAT(ViolationsOf({false, false, 1.9}, report), ElementsAre(HasSubstr("2.00 times")));
  EXPECT_THAT(ViolationsOf({false, false, 2}, report), IsEmpty());
}

TEST(Policy, AnExplainedDifferenceIsFine) {
  auto report = WithDifference();
  report.scenarios[0].comparison.differences[0].why = "known";
  EXPECT_THAT(ViolationsOf({true, false, 0}, report), IsEmpty());
}

}  // namespace
}  // namespace dockershimd::compare
