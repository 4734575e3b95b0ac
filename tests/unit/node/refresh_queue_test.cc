#include "shim/node/refresh_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>

namespace dockershimd::shim::node {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// Waits for what must come, however slow the machine is.
template <class Condition>
bool Eventually(Condition condition) {
  const auto end = RefreshQueue::Clock::now() + seconds(20);
  while (!condition() && RefreshQueue::Clock::now() < end) {
    std::this_thread::sleep_for(milliseconds(1));
  }
  return condition();
}

TEST(RefreshQueue, OnceForManyEvents) {
  std::atomic<int> runs = 0;
  std::atomic<SteadyNanos> newest = 0;
  RefreshQueue queue(
      [&](const std::stop_token&, const std::string& id, SteadyNanos news) -> base::Status {
        EXPECT_EQ(id, "c1");
        newest = news;
        ++runs;
        return {};
      },
      2, seconds(1));
  for (int i = 1; i <= 100; ++i) queue.Add("c1", i, milliseconds(200));
  EXPECT_TRUE(Eventually([&] { return runs > 0; }));
  EXPECT_EQ(runs, 1);
  EXPECT_EQ(newest, 100);
}

TEST(RefreshQueue, OneThatHangsHoldsUpNobody) {
  std::promise<void> release;
  auto released = release.get_future().share();
  std::atomic<int> others = 0;
  RefreshQueue queue(
      [&](const std::stop_token&, const std::string& id, SteadyNanos) -> base::Status {
        if (id == "stuck") {
          released.wait();
        } else {
          ++others;
        }
        return {};
      },
      2, seconds(1));
  queue.Add("stuck", 1, {});
  for (int i = 0; i < 50; ++i) queue.Add("c" + std::to_string(i), 1, {});
  EXPECT_TRUE(Eventually([&] { return others == 50; }));
  release.set_value();
}

TEST(RefreshQueue, NeverTwoThreadsAtOneThing) {
  std::atomic<int> inside = 0;
  std::atomic<int> runs = 0;
  std::atomic<bool> overlapped = false;
  RefreshQueue queue(
      [&](const std::stop_token&, const std::string&, SteadyNanos) -> base::Status {
        if (++inside > 1) overlapped = true;
        std::this_thread::sleep_for(milliseconds(2));
        --inside;
        ++runs;
        return {};
      },
      4, seconds(1));
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < 50; ++j) {
        queue.Add("c1", j, {});
        std::this_thread::sleep_for(milliseconds(1));
      }
    });
  }
  threads.clear();
  const int before = runs;
  queue.Add("c1", 1000, {});
  EXPECT_TRUE(Eventually([&] { return runs > before; }));
  EXPECT_FALSE(overlapped);
}

TEST(RefreshQueue, AgainAfterAFailure) {
  std::atomic<int> runs = 0;
  RefreshQueue queue(
      [&](const std::stop_token&, const std::string&, SteadyNanos news) -> base::Status {
        EXPECT_EQ(news, 5);
        if (++runs < 3) return base::Fail(base::Code::kUnavailable, "not now");
        return {};
      },
      1, milliseconds(5));
  queue.Add("c1", 5, {});
  EXPECT_TRUE(Eventually([&] { return runs == 3; }));
}

TEST(RefreshQueue, EarlierWorkGoesFirst) {
  std::promise<std::string> first;
  std::atomic<bool> is_first = true;
  RefreshQueue queue(
      [&](const std::stop_token&, const std::string& id, SteadyNanos) -> base::Status {
        if (is_first.exchange(false)) first.set_value(id);
        return {};
      },
      1, seconds(1));
  queue.Add("later", 1, std::chrono::hours(1));
  queue.Add("now", 1, milliseconds(1));
  EXPECT_EQ(first.get_future().get(), "now");
}

TEST(RefreshQueue, EndsAtOnce) {
  std::atomic<bool> begun = false;
  {
    RefreshQueue queue(
        [&](const std::stop_token& stop, const std::string&, SteadyNanos) -> base::Status {
          begun = true;
          while (!stop.stop_requested()) std::this_thread::yield();
          return base::Fail(base::Code::kCancelled, "stopped");
        },
        2, seconds(1));
    queue.Add("c1", 1, {});
    queue.Add("c2", 1, std::chrono::hours(1));
    EXPECT_TRUE(Eventually([&] { return begun.load(); }));
  }
  SUCCEED();
}

}  // namespace
}  // namespace dockershimd::shim::node
