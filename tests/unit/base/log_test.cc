#include "base/log.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace dockershimd::base {
namespace {

class SetUpLogTest : public testing::Test {
 protected:
  ~SetUpLogTest() override { spdlog::set_default_logger(before_); }
  const std::shared_ptr<spdlog::logger> before_ = spdlog::default_logger();
};

TEST_F(SetUpLogTest, JsonLinesSurviveAnyMessage) {
  ASSERT_TRUE(SetUpLog("info", LogFormat::kJson));
  testing::internal::CaptureStderr();
  spdlog::info("say \"hi\"\n\x01 \xff end");
  spdlog::debug("too fine");
  const std::string line = testing::internal::GetCapturedStderr();
  EXPECT_NE(line.find(R"("level":"info","msg":"say \"hi\"\n\u0001 )"), std::string::npos) << line;
  EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1);
  EXPECT_TRUE(line.ends_with("}\n"));
}

TEST_F(SetUpLogTest, TextLinesCarryTheLevel) {
  ASSERT_TRUE(SetUpLog("debug", LogFormat::kText));
  testing::internal::CaptureStderr();
  spdlog::debug("hello");
  EXPECT_TRUE(testing::internal::GetCapturedStderr().ends_with("debug hello\n"));
}

TEST_F(SetUpLogTest, AnUnknownLevelIsNamed) {
  const auto status = SetUpLog("loud", LogFormat::kText);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Code::kInvalidArgument);
  EXPECT_NE(status.error().message.find("loud"), std::string::npos);
}

}  // namespace
}  // namespace dockershimd::base
