#include "base/call_context.h"

#include <gtest/gtest.h>

namespace dockershimd::base {
namespace {

using std::chrono::milliseconds;

TEST(CallContext, WithoutDeadlineNeverEnds) {
  const CallContext context;
  EXPECT_FALSE(context.IsExpired());
  EXPECT_FALSE(context.IsCancelled());
  EXPECT_GT(context.Remaining(), std::chrono::hours(24 * 365));
}

TEST(CallContext, ADeadlineThatHasPassed) {
  const auto context = CallContext::WithTimeout(milliseconds(-5));
  EXPECT_TRUE(context.IsExpired());
  EXPECT_EQ(context.Remaining(), milliseconds(0));
}

TEST(CallContext, WithinShortensAndNeverLengthens) {
  const auto context = CallContext::WithTimeout(std::chrono::minutes(1));
  EXPECT_LE(context.Within(milliseconds(10)).Remaining(), milliseconds(10));
  EXPECT_EQ(context.Within(std::chrono::hours(1)).deadline, context.deadline);
  EXPECT_LE(CallContext().Within(milliseconds(10)).Remaining(), milliseconds(10));
}

TEST(CallContext, CancelledByTheCallerOrByTheDaemon) {
  std::stop_source stop;
  bool gone = false;
  CallContext context;
  context.cancelled = [&] { return gone; };
  EXPECT_FALSE(context.IsCancelled());
  gone = true;
  EXPECT_TRUE(context.IsCancelled());
  gone = false;
  context.stop = stop.get_token();
  EXPECT_FALSE(context.IsCancelled());
  stop.request_stop();
  EXPECT_TRUE(context.Within(milliseconds(10)).IsCancelled());
}

}  // namespace
}  // namespace dockershimd::base
