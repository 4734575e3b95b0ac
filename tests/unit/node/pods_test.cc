#include "shim/node/pods.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace dockershimd::shim::node {
namespace {

using base::Code;
using testing::ElementsAre;
using testing::IsEmpty;

SandboxPtr Sandbox(const std::string& id, bool running = true) {
  auto sandbox = std::make_shared<translate::SandboxRecord>();
  sandbox->details.id = id;
  sandbox->details.state.running = running;
  sandbox->details.state.started_at = 1;
  translate::SetNetwork({true, {"10.0.0.1"}}, sandbox.get());
  return sandbox;
}

ContainerPtr Container(const std::string& id, const std::string& sandbox_id, bool running = true) {
  auto container = std::make_shared<translate::ContainerRecord>();
  container->details.id = id;
  container->details.state.running = running;
  container->details.state.started_at = 1;
  container->details.state.finished_at = running ? 0 : 2;
  container->sandbox_id = sandbox_id;
  return container;
}

std::vector<ChangeKind> Kinds(const std::vector<Change>& changes) {
  std::vector<ChangeKind> kinds;
  for (const auto& change : changes) kinds.push_back(change.kind);
  return kinds;
}

std::vector<std::string> Ids(const auto& records) {
  std::vector<std::string> ids;
  for (const auto& record : records) ids.push_back(record->details.id);
  return ids;
}

class PodsTest : public testing::Test {
 protected:
  PodsTest() {
    (void)pods_.Put(Sandbox("5a1"), 1);
    (void)pods_.Put(Sandbox("5a2"), 1);
    (void)pods_.Put(Container("c1", "5a1"), 1);
    (void)pods_.Put(Container("c2", "5a1"), 1);
    (void)pods_.Put(Container("c3", "5a2"), 1);
  }
  Pods pods_;
};

TEST_F(PodsTest, FoundByIdOrItsBeginning) {
  EXPECT_EQ((*pods_.FindSandbox("5a1"))->details.id, "5a1");
  EXPECT_EQ((*pods_.FindContainer("c3"))->details.id, "c3");
  (void)pods_.Put(Container("c33", "5a2"), 1);
  EXPECT_EQ((*pods_.FindContainer("c3"))->details.id, "c3");
  EXPECT_EQ((*pods_.FindContainer("c33"))->details.id, "c33");
  EXPECT_EQ(pods_.FindSandbox("5a").error().code, Code::kInvalidArgument);
  EXPECT_EQ(pods_.FindSandbox("5a3").error().code, Code::kNotFound);
  EXPECT_EQ(pods_.FindContainer("5a1").error().code, Code::kNotFound);
  EXPECT_EQ(pods_.FindContainer("").error().code, Code::kInvalidArgument);
}

TEST_F(PodsTest, ContainersOfOnePod) {
  EXPECT_THAT(Ids(pods_.ContainersOf("5a1")), ElementsAre("c1", "c2"));
  (void)pods_.Put(Container("c1", "5a1", false), 2);
  EXPECT_THAT(Ids(pods_.ContainersOf("5a1")), testing::UnorderedElementsAre("c1", "c2"));
  (void)pods_.Erase("c1", 9);
  (void)pods_.Erase("c2", 9);
  EXPECT_THAT(pods_.ContainersOf("5a1"), IsEmpty());
  EXPECT_THAT(Ids(pods_.ContainersOf("5a2")), ElementsAre("c3"));
}

TEST_F(PodsTest, SnapshotsStayAsTheyWere) {
  const auto before = pods_.Containers();
  (void)pods_.Put(Container("c4", "5a2"), 1);
  (void)pods_.Erase("c1", 9);
  EXPECT_THAT(Ids(before), ElementsAre("c1", "c2", "c3"));
  EXPECT_THAT(Ids(pods_.Containers()), ElementsAre("c2", "c3", "c4"));
  EXPECT_THAT(Ids(pods_.Sandboxes()), ElementsAre("5a1", "5a2"));
}

TEST_F(PodsTest, AChangeShowsItsPodRightAfterwards) {
  const auto changes = pods_.Put(Container("c1", "5a1", false), 2);
  ASSERT_THAT(Kinds(changes), ElementsAre(ChangeKind::kStopped));
  EXPECT_EQ(changes[0].id, "c1");
  EXPECT_EQ(changes[0].sandbox->details.id, "5a1");
  ASSERT_EQ(changes[0].containers.size(), 2U);
  EXPECT_FALSE(changes[0].containers[1]->details.state.running);
}

TEST_F(PodsTest, ARemovedContainerIsNotInItsPod) {
  const auto changes = pods_.Erase("c1", 9);
  ASSERT_THAT(Kinds(changes), ElementsAre(ChangeKind::kStopped, ChangeKind::kDeleted));
  EXPECT_THAT(Ids(changes[1].containers), ElementsAre("c2"));
  EXPECT_EQ(changes[1].deleted->details.id, "c1");
  EXPECT_THAT(pods_.Erase("c1", 9), IsEmpty());
}

TEST_F(PodsTest, ARemovedSandboxIsShownOnceMore) {
  const auto changes = pods_.Erase("5a2", 9);
  ASSERT_THAT(Kinds(changes), ElementsAre(ChangeKind::kStopped, ChangeKind::kDeleted));
  EXPECT_EQ(changes[1].sandbox->details.id, "5a2");
  EXPECT_TRUE(changes[1].IsSandbox());
  // Its container outlives it.
  EXPECT_EQ(pods_.Erase("c3", 9)[1].sandbox, nullptr);
}

TEST_F(PodsTest, LaterChangesHaveLaterTimes) {
  base::UnixNanos last = 0;
  for (int i = 0; i < 1000; ++i) {
    for (const auto& change : pods_.Put(Container("c1", "5a1", i % 2 == 0), 1)) {
      EXPECT_GT(change.time, last);
      last = change.time;
    }
  }
  EXPECT_GT(last, 0);
}

TEST_F(PodsTest, WhenDockerWasAsked) {
  EXPECT_EQ(pods_.ReadAt("c1"), 1);
  (void)pods_.Put(Container("c1", "5a1"), 7);
  EXPECT_EQ(pods_.ReadAt("c1"), 7);
  EXPECT_EQ(pods_.ReadAt("nonesuch"), std::nullopt);
  EXPECT_EQ(pods_.ErasedAt("c1"), std::nullopt);
  (void)pods_.Erase("c1", 11);
  EXPECT_EQ(pods_.ReadAt("c1"), std::nullopt);
  EXPECT_EQ(pods_.ErasedAt("c1"), 11);
}

}  // namespace
}  // namespace dockershimd::shim::node
