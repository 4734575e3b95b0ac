#include "shim/node/model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <thread>

#include "fake_docker.h"
#include "shim/translate/status.h"

namespace dockershimd::shim::node {
namespace {

using base::CallContext;
using base::Code;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using testsupport::FakeContainer;

class ModelTest : public testing::Test {
 protected:
  ModelTest()
      : docker_({.socket_path = fake_.Socket()}),
        model_(docker_,
               {.network_of = [this](const auto&) { return *network_.Lock(); },
                .on_change = [this](Change change) { changes_.Lock()->push_back(change); }}) {
    fake_.Put({.id = "5a1", .sandbox_id = "", .status = "running", .started_at = 1});
    fake_.Put({.id = "c1", .sandbox_id = "5a1", .status = "running", .started_at = 1});
  }

  static CallContext Limit() { return CallContext::WithTimeout(std::chrono::seconds(20)); }

  void Rebuild() {
    const auto rebuilt = model_.Rebuild(Limit());
    ASSERT_TRUE(rebuilt) << rebuilt.error().message;
  }

  /// "c1 stopped", ... since the last time.
  std::vector<std::string> Changes() {
    constexpr const char* kNames[] = {" created", " started", " stopped", " deleted"};
    std::vector<std::string> texts;
    auto changes = changes_.Lock();
    for (const auto& change : *changes) {
      texts.push_back(change.id + kNames[static_cast<int>(change.kind)]);
    }
    changes->clear();
    return texts;
  }

  void Refresh(const FakeContainer& container) {
    fake_.Put(container);
    ASSERT_TRUE(model_.Refresh(Limit(), container.id));
  }

  testsupport::FakeDocker fake_;
  dockerapi::Client docker_;
  base::Guarded<translate::NetworkView> network_{{true, {"10.0.0.1"}}};
  base::Guarded<std::vector<Change>> changes_;
  Model model_;
};

TEST_F(ModelTest, WhatIsFoundFirstIsNoChange) {
  Rebuild();
  EXPECT_THAT(model_.Sandboxes(), SizeIs(1));
  EXPECT_THAT(model_.Containers(), SizeIs(1));
  EXPECT_THAT(Changes(), IsEmpty());
}

TEST_F(ModelTest, RowsAreTheStatusesOfTheMoment) {
  Rebuild();
  runtime::v1::PodSandbox row;
  const auto sandbox = *model_.FindSandbox("5a1");
  ASSERT_TRUE(row.ParseFromString(sandbox->row));
  EXPECT_EQ(row.id(), "5a1");
  EXPECT_EQ(row.state(), runtime::v1::PodSandboxState::SANDBOX_READY);
  runtime::v1::Container container_row;
  ASSERT_TRUE(container_row.ParseFromString((*model_.FindContainer("c1"))->row));
  EXPECT_EQ(container_row.pod_sandbox_id(), "5a1");
  EXPECT_EQ(container_row.state(), runtime::v1::ContainerState::CONTAINER_RUNNING);
}

TEST_F(ModelTest, LifeOfAContainer) {
  Rebuild();
  Refresh({.id = "c2", .sandbox_id = "5a1"});
  Refresh({.id = "c2", .sandbox_id = "5a1", .status = "running", .started_at = 5});
  Refresh({.id = "c2", .sandbox_id = "5a1", .status = "running", .started_at = 5});
  Refresh({.id = "c2", .sandbox_id = "5a1", .status = "exited", .started_at = 5, .finished_at = 6});
  fake_.Erase("c2");
  ASSERT_TRUE(model_.Refresh(Limit(), "c2"));
  model_.Forget("c2");
  EXPECT_THAT(Changes(), ElementsAre("c2 created", "c2 started", "c2 stopped", "c2 deleted"));
}

TEST_F(ModelTest, ASandboxStartsWhenItHasItsNetwork) {
  Rebuild();
  *network_.Lock() = {};
  Refresh({.id = "5a2", .sandbox_id = "", .status = "running", .started_at = 3});
  EXPECT_THAT(Changes(), ElementsAre("5a2 created"));
  *network_.Lock() = {true, {"10.0.0.2"}};
  model_.RefreshNetwork("5a2");
  model_.RefreshNetwork("nonesuch");
  EXPECT_THAT(Changes(), ElementsAre("5a2 started"));
  EXPECT_THAT((*model_.FindSandbox("5a2"))->network.ips, ElementsAre("10.0.0.2"));
}

TEST_F(ModelTest, ASandboxStopsOnce) {
  Rebuild();
  Refresh({.id = "5a1", .sandbox_id = "", .status = "paused", .started_at = 1});
  EXPECT_THAT(Changes(), ElementsAre("5a1 stopped"));
  Refresh({.id = "5a1", .sandbox_id = "", .status = "running", .started_at = 1});
  Refresh({.id = "5a1", .sandbox_id = "", .status = "paused", .started_at = 1});
  EXPECT_THAT(Changes(), ElementsAre("5a1 started", "5a1 stopped"));
  Refresh({.id = "5a1", .sandbox_id = "", .status = "exited", .started_at = 1, .finished_at = 2});
  EXPECT_THAT(Changes(), IsEmpty());
  Refresh({.id = "5a1", .sandbox_id = "", .status = "running", .started_at = 3});
  *network_.Lock() = {};
  model_.RefreshNetwork("5a1");
  Refresh({.id = "5a1", .sandbox_id = "", .status = "exited", .started_at = 3, .finished_at = 4});
  EXPECT_THAT(Changes(), ElementsAre("5a1 started", "5a1 stopped"));
}

TEST_F(ModelTest, EventsAboutAContainerInHandWaitForItsHolder) {
  Rebuild();
  EXPECT_FALSE(model_.LeaveToHolder("c1", SteadyNow()));
  const int before = fake_.inspects;
  {
    const auto first = model_.TakeInHand("c1");
    const auto second = model_.TakeInHand("c1");
    EXPECT_TRUE(model_.LeaveToHolder("c1", SteadyNow()));
    EXPECT_FALSE(model_.LeaveToHolder("5a1", SteadyNow()));
    ASSERT_TRUE(model_.Refresh(Limit(), "c1"));
  }
  EXPECT_EQ(fake_.inspects, before + 1) << "what the events told was read by the holder";
  {
    const auto hold = model_.TakeInHand("c1");
    ASSERT_TRUE(model_.Refresh(Limit(), "c1"));
    fake_.Put(
        {.id = "c1", .sandbox_id = "5a1", .status = "exited", .started_at = 1, .finished_at = 2});
    EXPECT_TRUE(model_.LeaveToHolder("c1", SteadyNow()));
  }
  EXPECT_THAT(Changes(), ElementsAre("c1 stopped")) << "read once more at the end";
  {
    const auto hold = model_.TakeInHand("c1");
    EXPECT_TRUE(model_.LeaveToHolder("c1", SteadyNow()));
    model_.Forget("c1");
  }
  EXPECT_EQ(fake_.inspects, before + 3) << "nothing is left to be read";
  EXPECT_FALSE(model_.LeaveToHolder("c1", SteadyNow()));
}

TEST_F(ModelTest, WhatWasReadAfterTheNewsIsNotReadAgain) {
  Rebuild();
  const int before = fake_.inspects;
  ASSERT_TRUE(model_.Refresh(Limit(), "c1", 1));
  EXPECT_EQ(fake_.inspects, before);
  ASSERT_TRUE(model_.Refresh(Limit(), "c1", SteadyNow()));
  EXPECT_EQ(fake_.inspects, before + 1);
}

TEST_F(ModelTest, RebuildFindsWhatWasMissed) {
  Rebuild();
  fake_.Put(
      {.id = "c1", .sandbox_id = "5a1", .status = "exited", .started_at = 1, .finished_at = 2});
  fake_.Put({.id = "c2", .sandbox_id = "5a1", .status = "running", .started_at = 3});
  Rebuild();
  EXPECT_THAT(Changes(), testing::UnorderedElementsAre("c1 stopped", "c2 created", "c2 started"));
  fake_.Erase("c1");
  fake_.Erase("5a1");
  Rebuild();
  EXPECT_THAT(Changes(), ElementsAre("5a1 stopped", "5a1 deleted", "c1 deleted"));
}

TEST_F(ModelTest, AuditReadsOnlyWhatDiffers) {
  Rebuild();
  const int before = fake_.inspects;
  EXPECT_EQ(model_.Audit(Limit()), 0);
  EXPECT_EQ(fake_.inspects, before);
  fake_.Put({.id = "c1", .sandbox_id = "5a1", .status = "paused", .started_at = 1});
  fake_.Put({.id = "c2", .sandbox_id = "5a1"});
  fake_.Erase("5a1");
  EXPECT_EQ(model_.Audit(Limit()), 3);
  EXPECT_EQ(fake_.inspects, before + 2);
  EXPECT_TRUE((*model_.FindContainer("c1"))->details.state.paused);
  EXPECT_FALSE(model_.FindSandbox("5a1"));
  EXPECT_EQ(model_.Audit(Limit()), 0);
}

TEST_F(ModelTest, WhatCannotBeInspectedStaysVisible) {
  fake_.inspect_fails = true;
  Rebuild();
  EXPECT_THAT(model_.Containers(), SizeIs(1));
  EXPECT_EQ(model_.Refresh(Limit(), "c1").error().code, Code::kInternal);
}

TEST_F(ModelTest, AFailedListChangesNothing) {
  Rebuild();
  dockerapi::Client nowhere({.socket_path = "/nonexistent/docker.sock"});
  Model other(nowhere, {.network_of = [](const auto&) { return translate::NetworkView{}; },
                        .on_change = {}});
  EXPECT_EQ(other.Rebuild(Limit()).error().code, Code::kUnavailable);
  EXPECT_EQ(other.Audit(Limit()).error().code, Code::kUnavailable);
}

TEST_F(ModelTest, KnowsWhatIsNews) {
  const auto before = SteadyNow();
  Rebuild();
  EXPECT_TRUE(model_.IsNewerThan("c1", before));
  EXPECT_FALSE(model_.IsNewerThan("c1", SteadyNow()));
  EXPECT_FALSE(model_.IsNewerThan("nonesuch", 1));
  EXPECT_TRUE(model_.Knows("c1"));
  EXPECT_FALSE(model_.Knows("c"));
}

/// An inspect that Docker answers late must not bring back what was removed meanwhile.
TEST_F(ModelTest, RemovedStaysRemoved) {
  Rebuild();
  std::jthread removing;
  fake_.before_answer = [&](const std::string& id) {
    if (id != "c1" || removing.joinable()) return;
    fake_.Erase("c1");
    removing = std::jthread([&] { model_.Forget("c1"); });
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  };
  ASSERT_TRUE(model_.Refresh(Limit(), "c1"));
  removing.join();
  EXPECT_FALSE(model_.FindContainer("c1"));
}

/// Of all the threads that look at one container, the last look is what stays.
TEST_F(ModelTest, NoOlderLookReplacesANewerOne) {
  Rebuild();
  std::atomic<bool> ended = false;
  std::vector<std::jthread> readers;
  for (int i = 0; i < 2; ++i) {
    readers.emplace_back([&] {
      while (!ended) {
        for (const auto& container : model_.Containers()) {
          EXPECT_FALSE(container->row.empty());
        }
        (void)model_.ContainersOf("5a1");
        (void)model_.FindContainer("c1");
      }
    });
  }
  for (int round = 1; round <= 50; ++round) {
    std::vector<std::jthread> writers;
    for (int i = 0; i < 4; ++i) {
      writers.emplace_back([&] { (void)model_.Refresh(Limit(), "c1"); });
    }
    fake_.Put({.id = "c1", .sandbox_id = "5a1", .status = "running", .started_at = 10 + round});
    ASSERT_TRUE(model_.Refresh(Limit(), "c1"));
    EXPECT_EQ((*model_.FindContainer("c1"))->details.state.started_at, 10 + round);
  }
  ended = true;
  readers.clear();
  // One end and one beginning for each.
  EXPECT_THAT(Changes(), SizeIs(100));
}

}  // namespace
}  // namespace dockershimd::shim::node
