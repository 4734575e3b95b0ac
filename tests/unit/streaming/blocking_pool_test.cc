#include "shim/streaming/blocking_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>

namespace dockershimd::shim::streaming {
namespace {

using std::chrono::milliseconds;

TEST(BlockingPool, WorkThatHangsHoldsUpNoOther) {
  BlockingPool pool(20);
  std::promise<void> release;
  const auto released = release.get_future().share();
  for (int i = 0; i < 19; ++i) pool.Post([released] { released.wait(); });
  std::promise<void> done;
  pool.Post([&] { done.set_value(); });
  done.get_future().wait();
  release.set_value();
}

TEST(BlockingPool, OverTheLimitWorkWaitsForItsTurn) {
  BlockingPool pool(2);
  std::atomic<int> at_once = 0;
  std::atomic<int> most = 0;
  std::atomic<int> done = 0;
  for (int i = 0; i < 20; ++i) {
    pool.Post([&] {
      most = std::max<int>(most, ++at_once);
      std::this_thread::sleep_for(milliseconds(2));
      --at_once;
      ++done;
    });
  }
  pool.Join();
  EXPECT_EQ(done, 20);
  EXPECT_LE(most, 2);
}

TEST(BlockingPool, IdleThreadsEndAndOthersAreStartedAgain) {
  BlockingPool pool(4, milliseconds(10));
  for (int round = 0; round < 3; ++round) {
    std::promise<void> done;
    pool.Post([&] { done.set_value(); });
    done.get_future().wait();
    while (pool.Threads() > 0) std::this_thread::sleep_for(milliseconds(1));
  }
}

TEST(BlockingPool, AThreadThatIsFreeIsUsedAgain) {
  BlockingPool pool(100);
  for (int i = 0; i < 50; ++i) {
    std::promise<void> done;
    pool.Post([&] { done.set_value(); });
    done.get_future().wait();
    std::this_thread::sleep_for(milliseconds(2));
  }
  EXPECT_LT(pool.Threads(), 50U);
}

TEST(BlockingPool, FromManyThreads) {
  std::atomic<int> done = 0;
  {
    BlockingPool pool(8, milliseconds(1));
    std::vector<std::jthread> posters;
    for (int i = 0; i < 4; ++i) {
      posters.emplace_back([&] {
        for (int j = 0; j < 200; ++j) pool.Post([&] { ++done; });
      });
    }
    posters.clear();
  }
  EXPECT_EQ(done, 800);
}

}  // namespace
}  // namespace dockershimd::shim::streaming
