#include "compare/expectations.h"

#include <gmock/gmock.h>

namespace dockershimd::compare {
namespace {

using testing::HasSubstr;

std::vector<Expectation> Parsed(std::string_view text) {
  auto parsed = ParseExpectations(text, "expected.toml");
  EXPECT_TRUE(parsed) << parsed.error().message;
  return parsed.value_or(std::vector<Expectation>());
}

std::string MistakeIn(std::string_view text) {
  const auto parsed = ParseExpectations(text, "expected.toml");
  return parsed ? "none" : parsed.error().message;
}

Comparison OneDifference() {
  return Compare("images/status", {{}, {{"by name", {{"ImageStatus.image.size", "10"}}}}},
                 {{}, {{"by name", {{"ImageStatus.image.size", "4"}}}}});
}

TEST(Expectations, AreReadWithTheirLines) {
  const auto expectations = Parsed(
      "[[expect]]\nfield = \"*.size\"\nwhy = \"unpacked\"\n\n"
      "[[expect]]\ncheck = \"exec\"\nscenario = \"exec/*\"\nleft = \"fail\"\nwhy = \"w\"\n"
      "optional = true\n");
  ASSERT_EQ(expectations.size(), 2U);
  EXPECT_EQ(expectations[0].field, "*.size");
  EXPECT_EQ(expectations[0].scenario, "*");
  EXPECT_EQ(expectations[1].line, 5);
  EXPECT_EQ(expectations[1].left, "fail");
  EXPECT_TRUE(expectations[1].optional);
  EXPECT_TRUE(Parsed("").empty());
}

TEST(Expectations, MistakesNameTheirLine) {
  EXPECT_THAT(MistakeIn("[[expect]]\nfield = \"a\"\n"), HasSubstr("expected.toml:1: needs 'why'"));
  EXPECT_THAT(MistakeIn("[[expect]]\nwhy = \"a\"\n"), HasSubstr("either 'field' or 'check'"));
  EXPECT_THAT(MistakeIn("[[expect]]\nfield = \"a\"\ncheck = \"b\"\nwhy = \"c\"\n"),
              HasSubstr("either 'field' or 'check'"));
  EXPECT_THAT(MistakeIn("[[expect]]\nfeild = \"a\"\n"), HasSubstr("unknown key 'feild'"));
  EXPECT_THAT(MistakeIn("[[expect]]\nfield = 3\n"), HasSubstr("'field' must be a string"));
  EXPECT_THAT(MistakeIn("[[expected]]\nfield = \"a\"\n"), HasSubstr("not 'expected'"));
  EXPECT_THAT(MistakeIn("[[expect\n"), HasSubstr("expected.toml:1"));
}

TEST(Expectations, ExplainWhatTheyCover) {
  auto comparison = OneDifference();
  const auto stale =
      Explain(Parsed("[[expect]]\nfield = \"ImageStatus.image.size\"\nleft = \"10\"\n"
                     "right = \"4\"\nwhy = \"unpacked\"\n"),
              {&comparison}, {"images/status"});
  EXPECT_TRUE(stale.empty());
  EXPECT_EQ(comparison.differences[0].why, "unpacked");
}

TEST(Expectations, WithOtherValuesCoverNothing) {
  auto comparison = OneDifference();
  const auto stale = Explain(Parsed("[[expect]]\nfield = \"*\"\nright = \"5\"\nwhy = \"w\"\n"),
                             {&comparison}, {"images/status"});
  EXPECT_TRUE(comparison.differences[0].Unexplained());
  ASSERT_EQ(stale.size(), 1U);
}

TEST(Expectations, AreStaleOnlyWhereTheirScenarioWasRun) {
  const auto expectations = Parsed(
      "[[expect]]\nfield = \"x\"\nscenario = \"logs/*\"\nwhy = \"w\"\n"
      "[[expect]]\nfield = \"x\"\nwhy = \"w\"\noptional = true\n");
  EXPECT_TRUE(Explain(expectations, {}, {"images/status"}).empty());
  EXPECT_EQ(Explain(expectations, {}, {"logs/format"}).size(), 1U);
}

TEST(Expectations, OfChecksGoByOutcome) {
  auto comparison = Compare("exec/sync", {{{"works", Outcome::kPass, ""}}, {}},
                            {{{"works", Outcome::kFail, ""}}, {}});
  (void)Explain(Parsed("[[expect]]\ncheck = \"works\"\nright = \"fail\"\nwhy = \"w\"\n"),
                {&comparison}, {"exec/sync"});
  EXPECT_EQ(comparison.checks[0].why, "w");
}

TEST(Expectations, ValuesThatAreNotThereHaveAName) {
  EXPECT_EQ(Shown(std::nullopt), "(not set)");
  EXPECT_EQ(Shown(""), "(empty)");
}

}  // namespace
}  // namespace dockershimd::compare
