#include "base/time.h"

#include <gtest/gtest.h>

namespace dockershimd::base {
namespace {

constexpr UnixNanos kSecond = 1'000'000'000;
constexpr UnixNanos kNewYear = 1'767'225'600 * kSecond;  // 2026-01-01T00:00:00Z

TEST(ParseRfc3339, WhatDockerWrites) {
  const std::pair<const char*, UnixNanos> cases[] = {
      {"2026-01-01T00:00:00Z", kNewYear},
      {"2026-01-01T00:00:00.5Z", kNewYear + kSecond / 2},
      {"2026-01-01T00:00:00.000000001Z", kNewYear + 1},
      {"2026-01-01T00:00:00.1234567891234Z", kNewYear + 123'456'789},
      {"2026-01-01T01:30:00.25+01:30", kNewYear + kSecond / 4},
      {"2025-12-31T19:00:00-05:00", kNewYear},
      {"2026-01-01t00:00:00z", kNewYear},
      {"2026-01-01 00:00:00Z", kNewYear},
      {"1970-01-01T00:00:00Z", 0},
      {"1969-12-31T23:59:59.9Z", -kSecond / 10},
      {"2024-02-29T12:00:00Z", 1'709'208'000 * kSecond},
      {"2016-12-31T23:59:60Z", 1'483'228'800 * kSecond}};
  for (const auto& [text, nanos] : cases) {
    const auto parsed = ParseRfc3339(text);
    ASSERT_TRUE(parsed) << text << ": " << parsed.error().message;
    EXPECT_EQ(*parsed, nanos) << text;
  }
}

TEST(ParseRfc3339, UnsetTimesAreZero) {
  EXPECT_EQ(ParseRfc3339("").value(), 0);
  EXPECT_EQ(ParseRfc3339("0001-01-01T00:00:00Z").value(), 0);
  EXPECT_EQ(ParseRfc3339("0001-01-01T00:00:00.000000000Z").value(), 0);
}

TEST(ParseRfc3339, GarbageIsAnErrorThatQuotesIt) {
  for (const char* text : {"yesterday",
                           "2026",
                           "2026-01-01",
                           "2026-01-01T00:00:00",
                           "2026-13-01T00:00:00Z",
                           "2025-02-29T00:00:00Z",
                           "2026-01-00T00:00:00Z",
                           "2026-01-01T24:00:00Z",
                           "2026-01-01T00:60:00Z",
                           "2026-01-01T00:00:61Z",
                           "2026-01-01T00:00:00.Z",
                           "2026-01-01T00:00:00Zx",
                           "2026-01-01T00:00:00+1:00",
                           "2026-01-01T00:00:00+24:00",
                           "2026-01-01T00:00:00+01:60",
                           "2026-01-01T00:00:00+01",
                           "-026-01-01T00:00:00Z",
                           "1600-01-01T00:00:00Z",
                           "2300-01-01T00:00:00Z",
                           "2026-01-01T00:00:00.5"}) {
    const auto parsed = ParseRfc3339(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_NE(parsed.error().message.find(text), std::string::npos);
  }
}

TEST(FormatRfc3339, NineDigitsInUtc) {
  EXPECT_EQ(FormatRfc3339(kNewYear + 6), "2026-01-01T00:00:00.000000006Z");
  EXPECT_EQ(FormatRfc3339(0), "1970-01-01T00:00:00.000000000Z");
  EXPECT_EQ(FormatRfc3339(-1), "1969-12-31T23:59:59.999999999Z");
}

TEST(FormatRfc3339, ReadsBackAsItWas) {
  for (UnixNanos time = -kNewYear; time < 4 * kNewYear; time += 12'345'678'901'234'567) {
    EXPECT_EQ(ParseRfc3339(FormatRfc3339(time)).value(), time);
  }
  const UnixNanos now = WallClockNow();
  EXPECT_EQ(ParseRfc3339(FormatRfc3339(now)).value(), now);
  EXPECT_GT(now, kNewYear / 2);
}

}  // namespace
}  // namespace dockershimd::base
