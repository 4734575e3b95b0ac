#include "shim/node/changes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace dockershimd::shim::node {
namespace {

using enum ChangeKind;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr Life kNew{};
constexpr Life kUp{.up = true, .ended = false, .run = 1};
constexpr Life kEnded{.up = false, .ended = true, .run = 1};
constexpr Life kUpAgain{.up = true, .ended = false, .run = 2};
constexpr Life kEndedAgain{.up = false, .ended = true, .run = 2};
constexpr Life kFailedStart{.up = false, .ended = true, .run = 0};

TEST(Changes, OneAfterTheOther) {
  EXPECT_THAT(ChangesBetween({}, kNew), ElementsAre(kCreated));
  EXPECT_THAT(ChangesBetween(kNew, kUp), ElementsAre(kStarted));
  EXPECT_THAT(ChangesBetween(kUp, kEnded), ElementsAre(kStopped));
}

TEST(Changes, NothingNew) {
  for (const Life& life : {kNew, kUp, kEnded, kFailedStart}) {
    EXPECT_THAT(ChangesBetween(life, life), IsEmpty());
  }
}

TEST(Changes, WholeRunsBetweenTwoLooks) {
  EXPECT_THAT(ChangesBetween({}, kUp), ElementsAre(kCreated, kStarted));
  EXPECT_THAT(ChangesBetween({}, kEnded), ElementsAre(kCreated, kStarted, kStopped));
  EXPECT_THAT(ChangesBetween(kNew, kEnded), ElementsAre(kStarted, kStopped));
  EXPECT_THAT(ChangesBetween(kUp, kUpAgain), ElementsAre(kStopped, kStarted));
  EXPECT_THAT(ChangesBetween(kUp, kEndedAgain), ElementsAre(kStopped, kStarted, kStopped));
  EXPECT_THAT(ChangesBetween(kEnded, kUpAgain), ElementsAre(kStarted));
  EXPECT_THAT(ChangesBetween(kEnded, kEndedAgain), ElementsAre(kStarted, kStopped));
}

TEST(Changes, AFailedStartIsAnEnd) {
  EXPECT_THAT(ChangesBetween(kNew, kFailedStart), ElementsAre(kStopped));
  EXPECT_THAT(ChangesBetween({}, kFailedStart), ElementsAre(kCreated, kStopped));
}

TEST(Changes, ASandboxIsUpWithItsNetwork) {
  const Life waiting{.up = false, .ended = false, .run = 1};
  EXPECT_THAT(ChangesBetween(kNew, waiting), IsEmpty());
  EXPECT_THAT(ChangesBetween(waiting, kUp), ElementsAre(kStarted));
  EXPECT_THAT(ChangesBetween(kUp, waiting), ElementsAre(kStopped));
  EXPECT_THAT(ChangesBetween(waiting, waiting), IsEmpty());
}

}  // namespace
}  // namespace dockershimd::shim::node
