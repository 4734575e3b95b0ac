#include "compare/glob.h"

#include <gtest/gtest.h>

namespace dockershimd::compare {
namespace {

TEST(Glob, StarStandsForAnything) {
  EXPECT_TRUE(Fits("*", ""));
  EXPECT_TRUE(Fits("*", "anything/at all"));
  EXPECT_TRUE(Fits("a*c", "abc"));
  EXPECT_TRUE(Fits("a*c", "ac"));
  EXPECT_TRUE(Fits("*.ip", "status.network.ip"));
  EXPECT_TRUE(Fits("a*b*c", "a.b.b.c"));
  EXPECT_FALSE(Fits("a*c", "abd"));
  EXPECT_FALSE(Fits("a*b", "a"));
  EXPECT_FALSE(Fits("", "a"));
}

TEST(Glob, EverythingElseStandsForItself) {
  EXPECT_TRUE(Fits("mounts[/data].readonly", "mounts[/data].readonly"));
  EXPECT_FALSE(Fits("mounts[/data]", "mounts/"));
  EXPECT_FALSE(Fits("a?c", "abc"));
}

}  // namespace
}  // namespace dockershimd::compare
