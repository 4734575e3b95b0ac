#include "shim/logs/record.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>

namespace dockershimd::shim::logs {
namespace {

const std::string kTime = "2026-01-02T03:04:05.123456789Z";

std::string Record(const std::string& escaped, const std::string& stream = "stdout") {
  return R"({"log":")" + escaped + R"(","stream":")" + stream + R"(","time":")" + kTime + "\"}";
}

/// What AppendRecord makes of it; "refused" if nothing.
std::string Convert(const std::string& record) {
  std::string out = "before\n";
  if (!AppendRecord(record, out)) {
    EXPECT_EQ(out, "before\n");
    return "refused";
  }
  EXPECT_TRUE(out.starts_with("before\n"));
  return out.substr(7);
}

std::string Line(const std::string& rest) { return kTime + " " + rest + "\n"; }

TEST(AppendRecord, FullAndPartialLinesOfBothStreams) {
  EXPECT_EQ(Convert(Record(R"(hello\n)")), Line("stdout F hello"));
  EXPECT_EQ(Convert(Record(R"(hello\n)", "stderr")), Line("stderr F hello"));
  EXPECT_EQ(Convert(Record("half a li")), Line("stdout P half a li"));
  EXPECT_EQ(Convert(Record(R"(\n)")), Line("stdout F "));
  EXPECT_EQ(Convert(Record(R"(terminal\r\n)")), Line("stdout F terminal\r"));
}

TEST(AppendRecord, EveryEscape) {
  const std::pair<const char*, std::string> cases[] = {
      {R"(\"\\\/\b\f\r\t)", "\"\\/\b\f\r\t"},
      {R"(\u003cb\u003e \u0026)", "<b> &"},
      {R"(\u0001\u001b[1m)", "\x01\x1b[1m"},
      {R"(\u00e9 \u2028 \uFFFD)", "\u00e9 \u2028 \ufffd"},
      {R"(\ud83d\ude00)", "\U0001f600"},
      {R"(\uD83D\uDE00)", "\U0001f600"},
      {"plain \u00e9\U0001f600 bytes of UTF-8", "plain \u00e9\U0001f600 bytes of UTF-8"},
      {R"(C:\\new\\table)", "C:\\new\\table"},
      {R"(0123456789\"0123456789)", "0123456789\"0123456789"}};
  for (const auto& [escaped, text] : cases) {
    EXPECT_EQ(Convert(Record(std::string(escaped) + R"(\n)")), Line("stdout F " + text));
    EXPECT_EQ(Convert(Record(escaped)), Line("stdout P " + text));
  }
  // A backslash and an n that the program wrote itself.
  EXPECT_EQ(Convert(Record(R"(a\\n)")), Line("stdout P a\\n"));
}

TEST(AppendRecord, HalvesOfPairsBecomeReplacements) {
  EXPECT_EQ(Convert(Record(R"(\ud83d!)")), Line("stdout P \ufffd!"));
  EXPECT_EQ(Convert(Record(R"(\ude00\ud83d)")), Line("stdout P \ufffd\ufffd"));
  EXPECT_EQ(Convert(Record(R"(\ud83d\u0041)")), Line("stdout P \ufffdA"));
}

TEST(AppendRecord, ANewlineInsideBeginsAnotherLine) {
  EXPECT_EQ(Convert(Record(R"(one\ntwo\n)")), Line("stdout F one") + Line("stdout F two"));
  EXPECT_EQ(Convert(Record(R"(one\n\ntwo)")),
            Line("stdout F one") + Line("stdout F ") + Line("stdout P two"));
}

TEST(AppendRecord, WhatElseDockerMayWrite) {
  const std::string attributes =
      R"({"log":"x\n","stream":"stderr","attrs":{"tag":"a\"b"},"time":")" + kTime + "\"}";
  EXPECT_EQ(Convert(attributes), Line("stderr F x"));
  EXPECT_EQ(Convert(R"({"time":")" + kTime + R"(","stream":"stdout","log":"y\n"})"),
            Line("stdout F y"));
  EXPECT_EQ(Convert(R"( {"log" : "z\n" , "stream":"stdout","time":")" + kTime + "\" } "),
            Line("stdout F z"));
  EXPECT_EQ(Convert(R"({"log":"no zeros\n","stream":"stdout","time":"2026-01-02T03:04:05Z"})"),
            "2026-01-02T03:04:05Z stdout F no zeros\n");
  // Without text there is nothing to say.
  EXPECT_EQ(Convert(R"({"stream":"stdout","time":")" + kTime + "\"}"), "");
}

TEST(AppendRecord, WhatIsNoRecord) {
  for (const std::string& record :
       {std::string(), std::string("hello"), std::string("{}"), std::string("[]"),
        Record(R"(bad \x escape)"), Record(R"(\u12g4)"), Record(R"(\u12)"),
        Record(R"(quote " inside)"), Record("tab\tinside"), Record("x").substr(0, 40),
        Record("x") + "}", "x" + Record("x"), std::string(4096, '\0'),
        Record(R"({"log":"cut)") + Record(R"(whole\n)"), std::string(R"({"log":"})"),
        std::string(R"({"log":"x","stream":"stdout","time":"yesterday"})"),
        std::string(R"({"log":"x","stream":"stdout","time":"2026-01-02T03:04:05 stdout F Z"})")}) {
    EXPECT_EQ(Convert(record), "refused") << record;
  }
  // The last character is the text's backslash: this string does not end here.
  EXPECT_EQ(Convert(R"({"log":"x\","stream":"stdout","time":")" + kTime + "\"}"), "refused");
}

TEST(AppendRecord, AgreesWithTheJsonParserOnAnyText) {
  std::mt19937 random(1);
  constexpr std::string_view kPieces[] = {"a",
                                          "\"",
                                          "\\",
                                          "\n",
                                          "\r",
                                          "\t",
                                          "\x01",
                                          "<",
                                          "\u00e9",
                                          "\U0001f600",
                                          "0123456789abcdef",
                                          "\u2028",
                                          "n",
                                          "u00"};
  for (int round = 0; round < 20000; ++round) {
    std::string text;
    for (auto pieces = random() % 20; pieces > 0; --pieces) {
      text += kPieces[random() % std::size(kPieces)];
    }
    const std::string quoted = nlohmann::json(text).dump(-1, ' ', random() % 2 == 0);
    const std::string record = Record(quoted.substr(1, quoted.size() - 2), "stderr");
    std::string expected;
    std::string slow;
    std::string fast;
    AppendLine(kTime, "stderr", text, expected);
    ASSERT_TRUE(AppendUnusualRecord(record, slow)) << record;
    ASSERT_TRUE(AppendRecord(record, fast)) << record;
    ASSERT_EQ(slow, expected);
    ASSERT_EQ(fast, expected);
  }
}

TEST(TimeOfLine, FirstWord) {
  EXPECT_EQ(TimeOfLine("1970-01-01T00:00:01Z stdout F x"), 1'000'000'000);
  EXPECT_EQ(TimeOfLine("1970-01-01T00:00:01Z"), 1'000'000'000);
  EXPECT_FALSE(TimeOfLine("x y"));
  EXPECT_FALSE(TimeOfLine(""));
}

}  // namespace
}  // namespace dockershimd::shim::logs
