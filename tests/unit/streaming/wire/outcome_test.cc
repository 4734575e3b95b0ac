#include "shim/streaming/wire/outcome.h"

#include <gtest/gtest.h>

namespace dockershimd::shim::streaming::wire {
namespace {

TEST(OutcomeTest, IsWrittenAsClientsKnowIt) {
  EXPECT_EQ(StatusText(Outcome::Success(), 4), R"({"status":"Success"})");
  EXPECT_EQ(StatusText(Outcome::Exited(0), 5), R"({"status":"Success"})");
  EXPECT_EQ(
      StatusText(Outcome::Exited(2), 4),
      R"({"status":"Failure","message":"command terminated with non-zero exit code: exit status 2",)"
      R"("reason":"NonZeroExitCode","details":{"causes":[{"reason":"ExitCode","message":"2"}]}})");
  EXPECT_EQ(StatusText(Outcome::Failed("no such file"), 4),
            R"({"status":"Failure","message":"Internal error occurred: no such file",)"
            R"("reason":"InternalError","code":500})");
}

TEST(OutcomeTest, OldClientsGetATextOnFailure) {
  EXPECT_EQ(StatusText(Outcome::Success(), 3), "");
  EXPECT_EQ(StatusText(Outcome::Exited(2), 1),
            "command terminated with non-zero exit code: exit status 2");
  EXPECT_EQ(StatusText(Outcome::Failed("x"), 2), "Internal error occurred: x");
}

TEST(OutcomeTest, CodesStayInTheRangeThatClientsRead) {
  EXPECT_EQ(Outcome::Exited(255).exit_code, 255);
  EXPECT_EQ(Outcome::Exited(256).exit_code, 255);
  EXPECT_EQ(Outcome::Exited(-1).exit_code, 255);
}

TEST(OutcomeTest, BadUtf8IsNoFailure) {
  EXPECT_NE(StatusText(Outcome::Failed("a\xff"), 4).find("\xef\xbf\xbd"), std::string::npos);
}

}  // namespace
}  // namespace dockershimd::shim::streaming::wire
