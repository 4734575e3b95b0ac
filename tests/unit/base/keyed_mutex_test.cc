#include "base/keyed_mutex.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <thread>
#include <vector>

namespace dockershimd::base {
namespace {

TEST(KeyedMutex, OneHolderPerKey) {
  KeyedMutex mutex;
  std::array<int, 4> counters = {};  // unguarded on purpose: only the leases protect them
  std::vector<std::jthread> threads;
  for (int thread = 0; thread < 8; ++thread) {
    threads.emplace_back([&] {
      for (std::size_t i = 0; i < 2000; ++i) {
        const auto lease = mutex.Lock("pod" + std::to_string(i % counters.size()));
        ++counters[i % counters.size()];
      }
    });
  }
  threads.clear();
  for (const int counter : counters) EXPECT_EQ(counter, 4000);
}

TEST(KeyedMutex, OtherKeysDoNotWait) {
  KeyedMutex mutex;
  const auto first = mutex.Lock("a");
  const auto second = mutex.Lock("b");
}

TEST(KeyedMutex, WaitsUntilTheHolderIsDone) {
  KeyedMutex mutex;
  std::atomic<bool> released = false;
  std::jthread waiter;
  {
    const auto lease = mutex.Lock("a");
    waiter = std::jthread([&] {
      const auto mine = mutex.Lock("a");
      EXPECT_TRUE(released);
    });
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    released = true;
  }
}

TEST(KeyedMutex, AMovedLeaseReleasesOnce) {
  KeyedMutex mutex;
  {
    auto lease = mutex.Lock("a");
    const auto moved = std::move(lease);
  }
  const auto again = mutex.Lock("a");
}

}  // namespace
}  // namespace dockershimd::base
