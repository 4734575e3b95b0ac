#include "shim/logs/record.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>
#include <vector>

namespace dockershimd::shim::logs {
namespace {

const std::string kTime = "2026-01-02T03:04:05.123456789Z";

std::string Record(const std::string& escaped, const std::string& stream = "stdout") {
  return R"({"log":")" + escaped + R"(","stream":")" + stream + R"(","time":")" + kTime + "\"}";
}

/// What becomes of it; "refused" if nothing.
std::string Convert(const std::string& record) {
  const std::string before = "before\n";
  std::string out = before;
  const auto taken = AppendRecord(record + "\n{", out);
  if (taken > 0) {
    EXPECT_EQ(taken, record.size() + 1);
  } else {
    EXPECT_EQ(out, before);
    if (!AppendUnusualRecord(record, out)) {
      EXPECT_EQ(out, before);
      return "refused";
    }
  }
  EXPECT_TRUE(out.starts_with(before));
  return out.substr(before.size());
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
    ASSERT_EQ(slow, expected);
    const auto taken = AppendRecord(record + "\n", fast);
    const auto newline = text.find('\n');
    if (text.empty() || newline < text.size() - 1) {
      ASSERT_EQ(taken, 0) << record;
      ASSERT_EQ(fast, "");
    } else {
      ASSERT_EQ(taken, record.size() + 1) << record;
      ASSERT_EQ(fast, expected);
    }
  }
}

TEST(AppendRecord, OnlyAWholeOne) {
  const std::string record = Record(R"(a line \"quoted\" and \u003cmore\u003e\n)") + "\n";
  for (std::size_t size = 0; size < record.size(); ++size) {
    // Of its own, so that reading beyond it is noticed.
    const std::vector<char> bytes(record.begin(), record.begin() + static_cast<int>(size));
    std::string out;
    ASSERT_EQ(AppendRecord({bytes.data(), bytes.size()}, out), 0);
    ASSERT_EQ(out, "");
  }
}

TEST(AppendRecord, TimesOfAnyLength) {
  for (const std::string& time :
       {std::string("2026-01-02T03:04:05Z"), std::string("2026-01-02T03:04:05.1Z"),
        std::string("2026-01-02T03:04:05.12345678Z"), std::string("2026-01-02T03:04:05.123456789Z"),
        std::string("2026-01-02T03:04:05.123456789+00:00")}) {
    const std::string start =
        R"({"log":"some text that is longer than one block\n","stream":"stdout",)";
    const std::string record = start + R"("time":")" + time + "\"}";
    std::string out;
    EXPECT_EQ(AppendRecord(record + "\n", out), record.size() + 1);
    EXPECT_EQ(out, time + " stdout F some text that is longer than one block\n");
    for (const std::size_t at : {std::size_t{5}, time.size() / 2, time.size() - 1}) {
      std::string wrong = record;
      wrong[start.size() + 8 + at] = ' ';
      EXPECT_EQ(Convert(wrong), "refused") << wrong;
    }
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
