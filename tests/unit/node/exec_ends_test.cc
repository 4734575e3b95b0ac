#include "shim/node/exec_ends.h"

#include <gtest/gtest.h>

#include <thread>

namespace dockershimd::shim::node {
namespace {

using Clock = base::CallContext::Clock;

TEST(ExecEndsTest, TellsWhoeverWaits) {
  ExecEnds ends;
  const auto end = ends.Expect("e1");
  const std::jthread docker([&] {
    ends.OnEnd("e2", 1);
    ends.OnEnd("e1", 7);
  });
  EXPECT_EQ(end.WaitUntil(Clock::now() + std::chrono::seconds(20)), 7);
}

TEST(ExecEndsTest, AnEndBeforeTheWaitIsKept) {
  ExecEnds ends;
  const auto end = ends.Expect("e1");
  ends.OnEnd("e1", 0);
  EXPECT_EQ(end.WaitUntil(Clock::now()), 0);
}

TEST(ExecEndsTest, NothingWhereNoEventComes) {
  ExecEnds ends;
  const auto end = ends.Expect("e1");
  EXPECT_FALSE(end.WaitUntil(Clock::now() + std::chrono::milliseconds(1)));
}

TEST(ExecEndsTest, NobodysEndIsForgotten) {
  ExecEnds ends;
  {
    const auto end = ends.Expect("e1");
  }
  ends.OnEnd("e1", 0);
  const auto end = ends.Expect("e1");
  EXPECT_FALSE(end.WaitUntil(Clock::now()));
}

}  // namespace
}  // namespace dockershimd::shim::node
