#include "base/worker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <future>
#include <vector>

namespace dockershimd::base {
namespace {

TEST(WorkerTest, RunsTasksInOrder) {
  std::vector<int> order;
  std::promise<void> done;
  Worker worker;
  for (int number = 0; number < 100; ++number) {
    worker.Post([&, number](const std::stop_token&) { order.push_back(number); });
  }
  worker.Post([&](const std::stop_token&) { done.set_value(); });
  done.get_future().wait();
  ASSERT_EQ(order.size(), 100U);
  EXPECT_THAT(order, testing::BeginEndDistanceIs(100));
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST(WorkerTest, EndsWithTheTaskThatRuns) {
  std::promise<void> begun;
  bool told = false;
  bool dropped = true;
  {
    Worker worker;
    worker.Post([&](const std::stop_token& stop) {
      begun.set_value();
      while (!stop.stop_requested()) std::this_thread::yield();
      told = true;
    });
    worker.Post([&](const std::stop_token&) { dropped = false; });
    begun.get_future().wait();
  }
  EXPECT_TRUE(told);
  EXPECT_TRUE(dropped);
}

}  // namespace
}  // namespace dockershimd::base
