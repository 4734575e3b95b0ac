#include "base/in_parallel.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <latch>
#include <stdexcept>
#include <thread>

namespace dockershimd::base {
namespace {

TEST(InParallel, TasksRunSideBySide) {
  std::latch all_there(3);
  const Task task = [&] {
    all_there.arrive_and_wait();
    return Status();
  };
  EXPECT_TRUE(InParallel({task, task, task}));
}

TEST(InParallel, AllEndAndTheFirstFailureCounts) {
  std::atomic<int> ended = 0;
  const auto task = [&](Status status) -> Task {
    return [&ended, status] {
      ++ended;
      return status;
    };
  };
  const auto outcome = InParallel({task({}), task(Fail(Code::kInternal, "first")), task({}),
                                   task(Fail(Code::kInternal, "second"))});
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().message, "first");
  EXPECT_EQ(ended, 4);
  EXPECT_TRUE(InParallel({}));
  EXPECT_FALSE(InParallel({task(Fail(Code::kInternal, "alone"))}));
}

TEST(InParallel, WhatATaskThrowsArrives) {
  const Task throwing = []() -> Status { throw std::runtime_error("broken"); };
  const Task fine = [] { return Status(); };
  EXPECT_THROW((void)InParallel({throwing, fine}), std::runtime_error);
  EXPECT_THROW((void)InParallel({fine, throwing}), std::runtime_error);
}

TEST(ForEachInParallel, EachOnce) {
  for (const std::size_t count : {0, 1, 7, 1000}) {
    std::vector<std::atomic<int>> calls(count);
    ForEachInParallel(count, 4, [&](std::size_t index) { ++calls[index]; });
    EXPECT_TRUE(std::ranges::all_of(calls, [](const auto& number) { return number == 1; }));
  }
}

TEST(ForEachInParallel, OnThreadsOnlyWhereThatIsWorthIt) {
  const auto here = std::this_thread::get_id();
  ForEachInParallel(7, 4, [&](std::size_t) { EXPECT_EQ(std::this_thread::get_id(), here); });
}

TEST(ForEachInParallel, ThrowsWhatTheWorkThrows) {
  const auto work = [](std::size_t index) {
    if (index == 50) throw std::runtime_error("no");
  };
  EXPECT_THROW(ForEachInParallel(100, 1, work), std::runtime_error);
}

}  // namespace
}  // namespace dockershimd::base
