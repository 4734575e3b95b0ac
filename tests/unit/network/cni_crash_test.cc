// What a daemon that was killed leaves behind is found and given back by the next one.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <stop_token>
#include <thread>

#include "shim/network/cni_network.h"
#include "stub_plugins.h"

namespace dockershimd::shim::network {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAre;

/// Ends the process that runs the plugin, as kill -9 of the daemon does.
constexpr const char* kKillTheDaemon = "kill -9 $PPID; sleep 0.2; exit 1";

class CniCrashTest : public testing::Test {
 protected:
  CniCrashTest() { plugins_.Configure({"first", "second"}); }

  /// Sets a pod up in a process of its own, which a plugin kills.
  void SetUpAndDie() const {
    const pid_t pid = ::fork();
    if (pid == 0) {
      CniNetwork network(plugins_.Options());
      (void)network.SetUp(Patient(), RequestFor());
      ::_exit(0);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(pid, &status, 0), pid);
    ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  }

  StubPlugins plugins_;
};

TEST_F(CniCrashTest, KilledInAnyPluginOfAdd) {
  for (const char* plugin : {"first", "second"}) {
    plugins_.ForgetCalls();
    plugins_.On("ADD", plugin, kKillTheDaemon);
    SetUpAndDie();
    plugins_.Recover("ADD", plugin);
    ASSERT_TRUE(plugins_.Cached().is_object());
    EXPECT_FALSE(plugins_.Cached().contains("result"));
    EXPECT_EQ(plugins_.Cached().contains("partialResult"), plugin == std::string("second"));
    plugins_.ForgetCalls();

    CniNetwork network(plugins_.Options());
    EXPECT_THAT(network.Addresses("pod-1", "/proc/self/ns/net").ips, IsEmpty());
    network.CollectGarbage(Patient(), {"pod-2"});
    EXPECT_THAT(plugins_.Calls(), ElementsAre("DEL second pod-1", "DEL first pod-1"));
    EXPECT_EQ(plugins_.Input("DEL", "first").contains("prevResult"),
              plugin == std::string("second"));
    EXPECT_EQ(plugins_.Input("DEL", "first")["runtimeConfig"]["portMappings"][0]["hostPort"], 8080);
    EXPECT_EQ(plugins_.Variable("DEL", "first", "CNI_NETNS"), plugins_.PinOf("pod-1"));
    EXPECT_EQ(plugins_.CountCached(), 0U);
    EXPECT_FALSE(std::filesystem::exists(plugins_.PinOf("pod-1")));
  }
}

TEST_F(CniCrashTest, APinWithoutAnAttachmentGoes) {
  CniNetwork network(plugins_.Options());
  ASSERT_TRUE(network.SetUp(Patient(), RequestFor()));
  std::filesystem::remove_all(plugins_.CacheDir() / "results");
  network.CollectGarbage(Patient(), {"pod-1"});
  EXPECT_FALSE(std::filesystem::exists(plugins_.PinOf("pod-1")));
}

TEST_F(CniCrashTest, KilledInAnUndoneAdd) {
  plugins_.Fail("ADD", "second");
  plugins_.On("DEL", "first", kKillTheDaemon);
  SetUpAndDie();
  plugins_.Recover("DEL", "first");
  plugins_.ForgetCalls();
  CniNetwork(plugins_.Options()).CollectGarbage(Patient(), {});
  EXPECT_THAT(plugins_.Calls(), ElementsAre("DEL second pod-1", "DEL first pod-1"));
}

TEST_F(CniCrashTest, TheSameSandboxCanBeSetUpAgain) {
  plugins_.On("ADD", "second", kKillTheDaemon);
  SetUpAndDie();
  plugins_.Recover("ADD", "second");
  plugins_.ForgetCalls();
  ASSERT_TRUE(CniNetwork(plugins_.Options()).SetUp(Patient(), RequestFor()));
  EXPECT_THAT(plugins_.Calls(), ElementsAre("DEL second pod-1", "DEL first pod-1",
                                            "ADD first pod-1", "ADD second pod-1"));
}

TEST_F(CniCrashTest, OnlyWhatIsOursAndWithoutASandboxIsGarbage) {
  {
    CniNetwork former(plugins_.Options());
    for (const char* id : {"pod-1", "pod-2", "pod-3"}) {
      ASSERT_TRUE(former.SetUp(Patient(), RequestFor(id)));
    }
  }
  // As another runtime on this node would have left it.
  auto entry = plugins_.Cached("pod-3");
  entry.erase("runtime");
  std::ofstream(plugins_.CacheDir() / "results" / "pods-pod-3-eth0") << entry.dump();
  plugins_.ForgetCalls();
  CniNetwork network(plugins_.Options());
  network.CollectGarbage(Patient(), {"pod-1"});
  EXPECT_THAT(plugins_.Calls(), ElementsAre("DEL second pod-2", "DEL first pod-2"));
  EXPECT_EQ(plugins_.Input("DEL", "second", "pod-2")["prevResult"]["by"], "second");
}

TEST_F(CniCrashTest, PodsSetUpAMomentAgoAreLeftAlone) {
  CniNetwork network(plugins_.Options());
  ASSERT_TRUE(network.SetUp(Patient(), RequestFor()));
  plugins_.ForgetCalls();
  network.CollectGarbage(Patient(), {});
  EXPECT_THAT(plugins_.Calls(), IsEmpty()) << "the caller's list may be older than the pod";
}

TEST_F(CniCrashTest, GarbageThatCannotBeGivenBackIsTriedAgain) {
  plugins_.On("ADD", "second", kKillTheDaemon);
  SetUpAndDie();
  plugins_.Fail("DEL", "second");
  CniNetwork network(plugins_.Options());
  network.CollectGarbage(Patient(), {});
  EXPECT_EQ(plugins_.CountCached(), 1U);
  plugins_.Recover("DEL", "second");
  network.CollectGarbage(Patient(), {});
  EXPECT_EQ(plugins_.CountCached(), 0U);
}

TEST_F(CniCrashTest, AnEndOfTheDaemonEndsTheCollectionAfterThePodAtHand) {
  plugins_.Configure({"first"});
  {
    CniNetwork before(plugins_.Options());
    for (const char* pod : {"pod-1", "pod-2"}) {
      ASSERT_TRUE(before.SetUp(Patient(), RequestFor(pod)));
    }
  }
  plugins_.ForgetCalls();
  std::stop_source daemon;
  auto context = Patient();
  context.stop = daemon.get_token();
  const auto stopped = plugins_.CacheDir() / "stopped";
  plugins_.On("DEL", "first", "until test -e " + stopped.string() + "; do sleep 0.05; done");
  std::jthread ending([&] {
    while (plugins_.Calls().empty()) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    daemon.request_stop();
    std::ofstream(stopped) << "yes";
  });
  CniNetwork(plugins_.Options()).CollectGarbage(context, {});
  EXPECT_THAT(plugins_.Calls(), SizeIs(1));
  EXPECT_EQ(plugins_.CountCached(), 1U);
}

TEST_F(CniCrashTest, PluginsOfCni11CollectTheirsWithAllThatIsValid) {
  plugins_.Configure({"first", "second"}, "1.1.0");
  CniNetwork network(plugins_.Options());
  ASSERT_TRUE(network.SetUp(Patient(), RequestFor("pod-1")));
  plugins_.ForgetCalls();
  plugins_.Fail("GC", "first");
  network.CollectGarbage(Patient(), {"pod-1", "adopted"});
  EXPECT_THAT(plugins_.Calls(), ElementsAre("GC first ", "GC second "));
  const auto valid = plugins_.Input("GC", "second", "")["cni.dev/valid-attachments"];
  EXPECT_THAT(valid, UnorderedElementsAre(json{{"containerID", "pod-1"}, {"ifname", "eth0"}},
                                          json{{"containerID", "adopted"}, {"ifname", "eth0"}}));
}

TEST_F(CniCrashTest, DisableGcIsHeeded) {
  plugins_.WriteConfig("10-pods.conflist", R"({"cniVersion": "1.1.0", "name": "pods",
      "disableGC": true, "plugins": [{"type": "first"}]})");
  CniNetwork(plugins_.Options()).CollectGarbage(Patient(), {});
  EXPECT_THAT(plugins_.Calls(), IsEmpty());
}

}  // namespace
}  // namespace dockershimd::shim::network
