#include "compare/report/report.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>
#include <vector>

namespace dockershimd::compare {
namespace {

using testing::HasSubstr;
using testing::Not;

/// Values with everything in them that a writer must not take for its own syntax.
constexpr const char* kHostile = "<b>\"it's\" & \x01\xff </script> https://example.org/x";

Report Sample() {
  Report report;
  report.started = "2026-01-02T03:04:05Z";
  report.left = {"unix:///run/left.sock", "docker", "20.10"};
  report.right = {"unix:///run/right.sock", "containerd", kHostile};
  report.image = "image:1";
  auto comparison =
      Compare("images/status",
              {{{"found", Outcome::kPass, kHostile}, {"gone", Outcome::kPass, ""}},
               {{"by name", {{"ImageStatus.image.size", "10"}, {"ImageStatus.x", kHostile}}}}},
              {{{"found", Outcome::kFail, kHostile}, {"gone", Outcome::kFail, ""}},
               {{"by name", {{"ImageStatus.image.size", "4"}, {"ImageStatus.y", "z"}}}}});
  comparison.differences[0].why = "unpacked & not";
  comparison.checks[1].why = "known";
  report.scenarios.push_back({"images/status", "an image", comparison});
  report.rounds = 2;
  report.latencies.push_back({"Version", {2, 1, 2, 3}, {2, 1.5, 3, 100}});
  report.costs.push_back(
      {"left", {7, "dockerd", std::chrono::milliseconds(5), std::chrono::milliseconds(6), 2048}});
  report.stale.push_back({"nothing", "", "*", "*", "*", "w", 12, false});
  report.violations = {"3 unexplained differences"};
  return report;
}

std::string Written(void (*write)(const Report&, std::ostream&), const Report& report) {
  std::ostringstream out;
  write(report, out);
  return out.str();
}

/// Checks that a text is well-formed as far as XML's tags and entities go. Returns what is wrong.
std::string MistakeInXml(const std::string& text, const std::vector<std::string>& unclosed = {}) {
  std::vector<std::string> open;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '&') {
      const auto end = text.find(';', i);
      if (end == std::string::npos || end - i > 8) return "bare & at " + std::to_string(i);
    }
    if (static_cast<unsigned char>(text[i]) < 0x20 && text[i] != '\n') return "control character";
    if (text[i] != '<') continue;
    const auto end = text.find('>', i);
    if (end == std::string::npos) return "tag without an end";
    const std::string tag = text.substr(i + 1, end - i - 1);
    i = end;
    if (tag.starts_with('?') || tag.starts_with('!') || tag.ends_with('/')) continue;
    const auto name = tag.substr(0, tag.find(' '));
    if (std::find(unclosed.begin(), unclosed.end(), name) != unclosed.end()) continue;
    if (!name.starts_with('/')) {
      open.push_back(name);
    } else if (open.empty() || open.back() != name.substr(1)) {
      return name + " closes nothing";
    } else {
      open.pop_back();
    }
  }
  return open.empty() ? "" : open.back() + " is not closed";
}

TEST(Report, Totals) {
  const auto report = Sample();
  const auto checks = CheckTotals(report);
  EXPECT_EQ(checks.compared, 2U);
  EXPECT_EQ(checks.explained, 1U);
  EXPECT_EQ(checks.unexplained, 1U);
  EXPECT_EQ(checks.Same(), 0U);
  const auto values = ValueTotals(report);
  EXPECT_EQ(values.compared, 3U);
  EXPECT_EQ(values.explained, 1U);
  EXPECT_EQ(values.unexplained, 2U);
}

TEST(Report, DifferencesThatAreAlikeAreOneGroup) {
  auto report = Sample();
  report.scenarios.push_back(report.scenarios[0]);
  const auto groups = Grouped(report);
  ASSERT_EQ(groups.size(), 3U);
  EXPECT_EQ(groups[0].places.size(), 2U);
  EXPECT_TRUE(groups[0].difference.Unexplained());
  EXPECT_FALSE(groups[2].difference.Unexplained());
}

TEST(Report, JsonIsJson) {
  const auto json = nlohmann::json::parse(Written(WriteJson, Sample()));
  EXPECT_EQ(json["format"], 1);
  EXPECT_EQ(json["left"]["runtime"], "docker");
  EXPECT_EQ(json["behaviour"]["unexplained"], 1);
  EXPECT_EQ(json["values"]["unexplained"], 2);
  const auto& scenario = json["scenarios"][0];
  EXPECT_EQ(scenario["checks"][0]["left"]["outcome"], "pass");
  EXPECT_EQ(scenario["checks"][0]["why"], nullptr);
  EXPECT_EQ(scenario["differences"][0]["why"], "unpacked & not");
  EXPECT_EQ(scenario["differences"][1]["right"], nullptr);
  EXPECT_EQ(json["latency"][0]["right_ms"]["p50"], 1.5);
  EXPECT_EQ(json["resources"][0]["resident_kib"], 2048);
  EXPECT_EQ(json["stale_expectations"][0]["line"], 12);
  EXPECT_EQ(json["violations"].size(), 1U);
}

TEST(Report, JunitIsXmlAndFailsWhatIsUnexplained) {
  const auto xml = Written(WriteJunit, Sample());
  EXPECT_EQ(MistakeInXml(xml), "") << xml;
  EXPECT_THAT(xml, HasSubstr("<testsuite name=\"images/status\" tests=\"3\" failures=\"2\">"));
  EXPECT_THAT(xml, HasSubstr("name=\"found\"><failure"));
  EXPECT_THAT(xml, HasSubstr("name=\"gone\"/>"));
  EXPECT_THAT(xml, Not(HasSubstr("ImageStatus.image.size")));
}

TEST(Report, HtmlNeedsNoOtherFileAndTakesNothingForMarkup) {
  const auto html = Written(WriteHtml, Sample());
  EXPECT_EQ(MistakeInXml(html, {"meta", "br"}), "");
  EXPECT_THAT(html, Not(HasSubstr("<script")));
  EXPECT_THAT(html, Not(HasSubstr("</script")));
  EXPECT_THAT(html, Not(HasSubstr("<link")));
  EXPECT_THAT(html, Not(HasSubstr("src=")));
  EXPECT_THAT(html, Not(HasSubstr("url(")));
  EXPECT_THAT(html, Not(HasSubstr("@import")));
  // Links lead within the page only.
  for (auto at = html.find("href=\""); at != std::string::npos; at = html.find("href=\"", at + 1)) {
    EXPECT_EQ(html[at + 6], '#');
  }
  EXPECT_THAT(html, HasSubstr("lang=\"en\""));
  EXPECT_THAT(html, HasSubstr("prefers-color-scheme: dark"));
}

TEST(Report, EachChartHasAName) {
  const auto html = Written(WriteHtml, Sample());
  int charts = 0;
  for (auto at = html.find("<svg "); at != std::string::npos; at = html.find("<svg ", at + 1)) {
    const auto tag = html.substr(at, html.find('>', at) - at);
    EXPECT_THAT(tag, HasSubstr("role=\"img\""));
    EXPECT_THAT(tag, HasSubstr("aria-label=\""));
    ++charts;
  }
  EXPECT_EQ(charts, 2);
}

TEST(Report, TextSaysWhatAndWhy) {
  const auto text = Written(WriteText, Sample());
  EXPECT_THAT(text, HasSubstr("images/status: found"));
  EXPECT_THAT(text, HasSubstr("UNEXPLAINED"));
  EXPECT_THAT(text, HasSubstr("why    unpacked & not"));
  EXPECT_THAT(text, HasSubstr("FAILED: 3 unexplained differences"));
}

TEST(Report, AnEmptyReportCanBeWritten) {
  EXPECT_EQ(MistakeInXml(Written(WriteJunit, {})), "");
  EXPECT_EQ(MistakeInXml(Written(WriteHtml, {}), {"meta", "br"}), "");
  EXPECT_EQ(nlohmann::json::parse(Written(WriteJson, {}))["scenarios"].size(), 0U);
  EXPECT_THAT(Written(WriteText, {}), HasSubstr("behaviour"));
}

}  // namespace
}  // namespace dockershimd::compare
