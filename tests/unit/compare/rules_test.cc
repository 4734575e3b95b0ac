#include "compare/rules.h"

#include <gmock/gmock.h>

namespace dockershimd::compare {
namespace {

using testing::ElementsAre;
using testing::Pair;

TEST(Rules, NamesAreReplacedInPathsAndValues) {
  const Names names = {{"abc", "<pod>"}, {"abcdef", "<container>"}, {"/var/x", "<folder>"}};
  EXPECT_EQ(Renamed("abcdef of abc in /var/x/abc", names),
            "<container> of <pod> in <folder>/<pod>");
  EXPECT_THAT(Normalized({{"A.log[abc]", "/var/x/1.log"}}, names, {}),
              ElementsAre(Pair("A.log[<pod>]", "<folder>/1.log")));
}

TEST(Rules, ANameThatHoldsItselfEnds) {
  EXPECT_EQ(Renamed("aa", {{"a", "<a>"}}), "<a><a>");
  EXPECT_EQ(Renamed("text", {{"", "never"}}), "text");
}

TEST(Rules, MarksKeepWhetherAValueIsThere) {
  const Leaves leaves = {{"A.status.created_at", "17"},
                         {"A.status.finished_at", "0"},
                         {"A.cpu.usage_core_nano_seconds", "99"},
                         {"A.memory.rss_bytes", "0"},
                         {"A.status.network.ip", "10.0.0.1"},
                         {"A.info.info.pid", "4"},
                         {"A.status.exit_code", "4"}};
  EXPECT_THAT(
      Normalized(leaves, {}, Rules()),
      ElementsAre(Pair("A.cpu.usage_core_nano_seconds", "<measured>"),
                  Pair("A.info.info.pid", "<process>"), Pair("A.memory.rss_bytes", "0"),
                  Pair("A.status.created_at", "<time>"), Pair("A.status.exit_code", "4"),
                  Pair("A.status.finished_at", "0"), Pair("A.status.network.ip", "<address>")));
}

TEST(Rules, WhatOnlyHasToBeThereIsOneValue) {
  const Leaves leaves = {{"A.info.info.runtimeSpec.mounts[/proc].type", "proc"},
                         {"A.info.info.runtimeSpec.root", "x"},
                         {"A.info.info.runtimeSpecial", "y"}};
  EXPECT_THAT(Normalized(leaves, {}, Rules()),
              ElementsAre(Pair("A.info.info.runtimeSpec", "<there>"),
                          Pair("A.info.info.runtimeSpecial", "y")));
}

}  // namespace
}  // namespace dockershimd::compare
