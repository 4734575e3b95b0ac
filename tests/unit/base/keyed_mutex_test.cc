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

TEST(KeyedMutex, AWaitEndsAtTheDeadline) {
  KeyedMutex mutex;
  const auto lease = mutex.Lock("a");
  const auto late = mutex.Lock(CallContext::WithTimeout(std::chrono::milliseconds(30)), "a");
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, Code::kDeadlineExceeded);
  EXPECT_TRUE(mutex.Lock(CallContext::WithTimeout(std::chrono::milliseconds(30)), "b"));
}

TEST(KeyedMutex, AWaitEndsWithItsCaller) {
  KeyedMutex mutex;
  const auto lease = mutex.Lock("a");
  std::atomic<bool> gone = false;
  std::jthread caller([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    gone = true;
  });
  CallContext context;
  context.cancelled = [&] { return gone.load(); };
  const auto abandoned = mutex.Lock(context, "a");
  ASSERT_FALSE(abandoned);
  EXPECT_EQ(abandoned.error().code, Code::kCancelled);
}

TEST(KeyedMutex, AWaitEndsWithTheDaemon) {
  KeyedMutex mutex;
  const auto lease = mutex.Lock("a");
  std::stop_source daemon;
  std::jthread stopping([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    daemon.request_stop();
  });
  CallContext context;
  context.stop = daemon.get_token();
  const auto ended = mutex.Lock(context, "a");
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().code, Code::kCancelled);
}

TEST(KeyedMutex, APatientWaitGetsTheKeyOnce) {
  KeyedMutex mutex;
  int counter = 0;  // unguarded on purpose
  std::vector<std::jthread> threads;
  for (int thread = 0; thread < 8; ++thread) {
    threads.emplace_back([&] {
      for (int i = 0; i < 500; ++i) {
        const auto lease = mutex.Lock(CallContext::WithTimeout(std::chrono::minutes(1)), "a");
        ASSERT_TRUE(lease);
        ++counter;
      }
    });
  }
  threads.clear();
  EXPECT_EQ(counter, 4000);
}

}  // namespace
}  // namespace dockershimd::base
