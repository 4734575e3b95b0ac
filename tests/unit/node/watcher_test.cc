#include "shim/node/watcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "fake_docker.h"
#include "shim/node/exec_ends.h"

namespace dockershimd::shim::node {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;

/// Waits for what must come, however slow the machine is.
template <class Condition>
bool Eventually(Condition condition) {
  const auto end = std::chrono::steady_clock::now() + seconds(20);
  while (!condition() && std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(milliseconds(1));
  }
  return condition();
}

class WatcherTest : public testing::Test {
 protected:
  WatcherTest()
      : docker_({.socket_path = fake_.Socket()}),
        engine_(docker_, {"10m", "2"}),
        images_(docker_, ""),
        model_(docker_, {.network_of = [](const auto&) { return translate::NetworkView{}; },
                         .on_change = [this](const Change&) { ++changes_; }}) {
    fake_.Put({.id = "5a1", .sandbox_id = "", .status = "running", .started_at = 1});
    fake_.Put({.id = "c1", .sandbox_id = "5a1", .status = "running", .started_at = 1});
    fake_.PutImage({.id = "sha256:a1", .tags = {"app:1"}});
  }

  void Start(Watcher::Settings settings = {}) {
    settings.longest_pause = milliseconds(200);
    watcher_.emplace(
        docker_, engine_, model_, images_,
        Watcher::Notices{.on_connected = [this] { ++connections_; },
                         .on_audited = [this] { ++audits_; },
                         .on_exec_end = [this](const std::string& id,
                                               int exit_code) { exec_ends_.OnEnd(id, exit_code); }},
        settings);
    watcher_->Start();
    ASSERT_TRUE(Eventually([&] { return connections_ == 1; }));
  }

  bool StatusIs(const std::string& id, const std::string& status) {
    return Eventually([&] {
      const auto container = model_.FindContainer(id);
      return container && (*container)->details.state.status == status;
    });
  }

  testsupport::FakeDocker fake_;
  dockerapi::Client docker_;
  Engine engine_;
  ImageCatalog images_;
  std::atomic<int> changes_ = 0;
  std::atomic<int> connections_ = 0;
  std::atomic<int> audits_ = 0;
  ExecEnds exec_ends_;
  Model model_;
  std::optional<Watcher> watcher_;
};

TEST_F(WatcherTest, ReadyOnceAllIsKnown) {
  Start();
  EXPECT_TRUE(watcher_->Condition().ready);
  EXPECT_TRUE(watcher_->Condition().pods_known);
  EXPECT_TRUE(model_.Knows("c1"));
  EXPECT_NE(images_.Images()->Find("app:1"), nullptr);
  EXPECT_EQ(changes_, 0);
}

TEST_F(WatcherTest, FollowsEvents) {
  Start();
  fake_.Put(
      {.id = "c1", .sandbox_id = "5a1", .status = "exited", .started_at = 1, .finished_at = 2});
  fake_.Tell("die", "c1");
  EXPECT_TRUE(StatusIs("c1", "exited"));
  fake_.Put({.id = "c2", .sandbox_id = "5a1"});
  fake_.Tell("create", "c2");
  EXPECT_TRUE(StatusIs("c2", "created"));
  fake_.Erase("c2");
  fake_.Tell("destroy", "c2");
  EXPECT_TRUE(Eventually([&] { return !model_.Knows("c2"); }));
  EXPECT_EQ(changes_, 3);
}

TEST_F(WatcherTest, WhatOurOwnCallsReadIsNotReadAgain) {
  Start();
  fake_.Put({.id = "c1", .sandbox_id = "5a1", .status = "paused", .started_at = 1});
  fake_.Tell("pause", "c1");
  ASSERT_TRUE(model_.Refresh(base::CallContext::WithTimeout(seconds(20)), "c1"));
  fake_.Erase("c1");
  model_.Forget("c1");
  fake_.Tell("destroy", "c1");
  const int before = fake_.inspects;
  // A later event shows that the ones before it are done with.
  fake_.Put({.id = "c2", .sandbox_id = "5a1"});
  fake_.Tell("create", "c2");
  ASSERT_TRUE(StatusIs("c2", "created"));
  EXPECT_LE(fake_.inspects, before + 2);
}

TEST_F(WatcherTest, TellsHowAnExecEnded) {
  Start();
  const auto end = exec_ends_.Expect("e1");
  ASSERT_TRUE(Eventually([&] { return fake_.Listeners() == 1; }));
  fake_.TellExecEnd("c1", "e1", 3);
  EXPECT_EQ(end.WaitUntil(base::CallContext::Clock::now() + seconds(20)), 3);
  EXPECT_EQ(changes_, 0);
}

TEST_F(WatcherTest, AClockThatIsSetBackHidesNothing) {
  Start({.wall_clock = [&] { return base::WallClockNow() + fake_.clock_offset; }});
  fake_.clock_offset = -3'600'000'000'000;
  fake_.Put(
      {.id = "c1", .sandbox_id = "5a1", .status = "exited", .started_at = 1, .finished_at = 2});
  fake_.Tell("die", "c1");
  EXPECT_TRUE(StatusIs("c1", "exited"));
  fake_.PutImage({.id = "sha256:a2", .tags = {"app:2"}});
  fake_.TellImage("pull", "app:2");
  EXPECT_TRUE(Eventually([&] { return images_.Images()->Find("app:2") != nullptr; }));
}

TEST_F(WatcherTest, FindsWhatItMissedWhileDockerWasAway) {
  Start();
  ASSERT_TRUE(Eventually([&] { return fake_.Listeners() == 1; }));
  fake_.Put(
      {.id = "c1", .sandbox_id = "5a1", .status = "exited", .started_at = 1, .finished_at = 2});
  fake_.CutEvents();
  EXPECT_TRUE(StatusIs("c1", "exited"));
  EXPECT_TRUE(Eventually([&] { return connections_ == 2; }));
  EXPECT_TRUE(watcher_->Condition().ready);
  EXPECT_EQ(changes_, 1);
}

TEST_F(WatcherTest, AuditFindsWhatNoEventTold) {
  Start({.audit_interval = milliseconds(20)});
  fake_.Put({.id = "c1", .sandbox_id = "5a1", .status = "paused", .started_at = 1});
  fake_.PutImage({.id = "sha256:a2", .tags = {"app:2"}});
  EXPECT_TRUE(StatusIs("c1", "paused"));
  EXPECT_TRUE(Eventually([&] { return images_.Images()->Find("app:2") != nullptr; }));
  EXPECT_TRUE(Eventually([&] { return audits_ > 1; }));
}

TEST_F(WatcherTest, ImagesByTheirEvents) {
  Start();
  fake_.PutImage({.id = "sha256:a2", .tags = {"app:1"}});
  fake_.PutImage({.id = "sha256:a1", .tags = {}});
  fake_.TellImage("pull", "app:1");
  EXPECT_TRUE(Eventually([&] {
    const auto image = images_.Images()->Find("app:1");
    return image && image->details.id == "sha256:a2";
  }));
  fake_.EraseImage("sha256:a1");
  fake_.TellImage("delete", "sha256:a1");
  EXPECT_TRUE(Eventually([&] { return images_.Images()->ById().size() == 1; }));
}

TEST_F(WatcherTest, ImagesThatCannotBeListedDoNotKeepThePodsAway) {
  fake_.images_fail = true;
  Start();
  EXPECT_TRUE(watcher_->Condition().ready);
  EXPECT_EQ(images_.Images(), nullptr);
}

TEST_F(WatcherTest, SaysThatDockerIsAway) {
  dockerapi::Client nowhere({.socket_path = "/nonexistent/docker.sock"});
  Watcher watcher(nowhere, engine_, model_, images_, {[] { ADD_FAILURE(); }, [] { ADD_FAILURE(); }},
                  {});
  watcher.Start();
  EXPECT_TRUE(Eventually([&] {
    return watcher.Condition().message.find("Docker cannot be reached") != std::string::npos;
  }));
  EXPECT_FALSE(watcher.Condition().ready);
  EXPECT_FALSE(watcher.Condition().pods_known);
  EXPECT_THAT(watcher.Condition().message, HasSubstr("check that dockerd runs"));
}

/// Changes, events and cuts from several threads; afterwards the model is what the engine has.
TEST_F(WatcherTest, TrueAfterAnyStorm) {
  Start();
  std::vector<std::jthread> storm;
  for (int thread = 0; thread < 3; ++thread) {
    storm.emplace_back([this, thread] {
      for (int i = 1; i <= 60; ++i) {
        const std::string id = fmt::format("d{}{}", thread, i % 4);
        if (i % 5 == 0) {
          fake_.Erase(id);
          fake_.Tell("destroy", id);
        } else {
          const bool runs = i % 2 == 0;
          fake_.Put({.id = id,
                     .sandbox_id = "5a1",
                     .status = runs ? "running" : "exited",
                     .started_at = i,
                     .finished_at = runs ? 0 : i + 1});
          fake_.Tell(runs ? "start" : "die", id);
        }
        if (thread == 0 && i % 20 == 0) fake_.CutEvents();
        std::this_thread::sleep_for(milliseconds(1));
      }
    });
  }
  storm.clear();
  const auto differences = [&] {
    return watcher_->Condition().ready &&
           model_.Audit(base::CallContext::WithTimeout(seconds(20))) == 0;
  };
  std::this_thread::sleep_for(milliseconds(300));
  EXPECT_TRUE(Eventually(differences));
}

TEST_F(WatcherTest, AnEngineThatHangsIsNotReady) {
  Start({.probe_interval = milliseconds(20), .probe_limit = milliseconds(50)});
  EXPECT_TRUE(watcher_->Condition().ready);
  fake_.HangInfo(true);
  EXPECT_TRUE(Eventually([&] { return !watcher_->Condition().ready; }));
  EXPECT_TRUE(watcher_->Condition().pods_known) << "what was known stays known";
  fake_.HangInfo(false);
  EXPECT_TRUE(Eventually([&] { return watcher_->Condition().ready; }));
}

}  // namespace
}  // namespace dockershimd::shim::node
