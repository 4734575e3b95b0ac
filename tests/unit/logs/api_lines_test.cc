#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "shim/logs/api_source.h"

namespace dockershimd::shim::logs {
namespace {

using dockerapi::OutputStream;
using testing::ElementsAre;

const std::string kTime = "2026-01-02T03:04:05.123456789Z";
const std::string kLater = "2026-01-02T03:04:06.000000000Z";

class ApiLinesTest : public testing::Test {
 protected:
  std::vector<std::string> lines_;
  ApiLines api_{[this](base::UnixNanos, const std::string& line) { lines_.push_back(line); }};
};

TEST_F(ApiLinesTest, LinesInAnyPieces) {
  const std::string text = kTime + " one\n" + kTime + " \n" + kLater + " three words here\n";
  for (std::size_t piece = 1; piece < text.size(); ++piece) {
    lines_.clear();
    for (std::size_t at = 0; at < text.size(); at += piece) {
      api_.Feed(OutputStream::kStdout, text.substr(at, piece));
    }
    EXPECT_THAT(lines_, ElementsAre(kTime + " stdout F one\n", kTime + " stdout F \n",
                                    kLater + " stdout F three words here\n"));
  }
}

TEST_F(ApiLinesTest, StreamsDoNotMix) {
  api_.Feed(OutputStream::kStdout, kTime + " out");
  api_.Feed(OutputStream::kStderr, kLater + " err\n");
  api_.Feed(OutputStream::kStdout, "put\n");
  EXPECT_THAT(lines_, ElementsAre(kLater + " stderr F err\n", kTime + " stdout F output\n"));
}

TEST_F(ApiLinesTest, SplitLinesCarryTheirTimeInTheMiddle) {
  const std::string part(16384, 'x');
  api_.Feed(OutputStream::kStdout,
            kTime + " " + part + kTime + " " + part + kTime + " end\n" + kLater + " next\n");
  EXPECT_THAT(lines_,
              ElementsAre(kTime + " stdout P " + part + "\n", kTime + " stdout P " + part + "\n",
                          kTime + " stdout F end\n", kLater + " stdout F next\n"));
}

TEST_F(ApiLinesTest, ALineThatNeverEndsDoesNotPileUp) {
  const std::string part(16384, 'x');
  const std::string piece = kTime + " " + part;
  for (int number = 0; number < 3; ++number) api_.Feed(OutputStream::kStdout, piece);
  EXPECT_THAT(lines_,
              ElementsAre(kTime + " stdout P " + part + "\n", kTime + " stdout P " + part + "\n"));
  api_.Feed(OutputStream::kStdout, kTime + " end\n");
  EXPECT_EQ(lines_.size(), 4U);
  EXPECT_EQ(lines_.back(), kTime + " stdout F end\n");
}

TEST_F(ApiLinesTest, WhatEndsWithoutANewlineIsAPart) {
  api_.Feed(OutputStream::kStderr, kTime + " prompt> ");
  EXPECT_TRUE(lines_.empty());
  api_.Flush();
  api_.Flush();
  EXPECT_THAT(lines_, ElementsAre(kTime + " stderr P prompt> \n"));
}

TEST_F(ApiLinesTest, GarbageIsLeftOut) {
  api_.Feed(OutputStream::kStdout, "\nnotime\nno time\n" + kTime + "\n" + kTime + " ok\n");
  EXPECT_THAT(lines_, ElementsAre(kTime + " stdout F ok\n"));
}

}  // namespace
}  // namespace dockershimd::shim::logs
