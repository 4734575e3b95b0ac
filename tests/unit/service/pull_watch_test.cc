#include "shim/service/pull_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

namespace dockershimd::shim::service {
namespace {

using base::CallContext;
using dockerapi::Progress;
using std::chrono::milliseconds;

constexpr milliseconds kLimit(150);

void SeeFor(PullWatch& watch, milliseconds time, const std::function<Progress(int)>& message) {
  const auto end = CallContext::Clock::now() + time;
  for (int i = 0; CallContext::Clock::now() < end; ++i) {
    watch.See(message(i));
    std::this_thread::sleep_for(milliseconds(5));
  }
}

TEST(PullWatch, StallsWithoutAnyMessage) {
  const PullWatch watch(kLimit);
  EXPECT_FALSE(watch.IsStalled());
  EXPECT_EQ(watch.Last(), "nothing yet");
  std::this_thread::sleep_for(kLimit * 2);
  EXPECT_TRUE(watch.IsStalled());
}

TEST(PullWatch, RepeatedFiguresAreNoProgress) {
  PullWatch watch(kLimit);
  SeeFor(watch, kLimit * 2, [](int) { return Progress{"layer", "Downloading", 10, 100}; });
  EXPECT_TRUE(watch.IsStalled());
  EXPECT_EQ(watch.Last(), "Downloading layer (10 of 100 bytes)");
}

TEST(PullWatch, TwoStalledLayersInTurnAreNoProgress) {
  PullWatch watch(kLimit);
  SeeFor(watch, kLimit * 2,
         [](int i) { return Progress{i % 2 == 0 ? "a" : "b", "Downloading", 10, 100}; });
  EXPECT_TRUE(watch.IsStalled());
}

TEST(PullWatch, ChangedFiguresAreProgress) {
  PullWatch watch(kLimit);
  SeeFor(watch, kLimit * 2, [](int i) { return Progress{"layer", "Downloading", i, 1000}; });
  EXPECT_FALSE(watch.IsStalled());
  SeeFor(watch, kLimit * 2, [](int i) { return Progress{"", "Retrying " + std::to_string(i)}; });
  EXPECT_FALSE(watch.IsStalled());
}

TEST(PullWatch, AContextEndsWithTheStallOrItsCaller) {
  const PullWatch watch(kLimit);
  bool gone = false;
  CallContext context;
  context.cancelled = [&] { return gone; };
  const auto watched = watch.Watched(context);
  EXPECT_FALSE(watched.IsCancelled());
  gone = true;
  EXPECT_TRUE(watched.IsCancelled());
  gone = false;
  EXPECT_FALSE(watch.Watched({}).IsCancelled());
  std::this_thread::sleep_for(kLimit * 2);
  EXPECT_TRUE(watched.IsCancelled());
  EXPECT_TRUE(watch.Watched({}).IsCancelled());
}

}  // namespace
}  // namespace dockershimd::shim::service
