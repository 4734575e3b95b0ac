#include "shim/network/cni_plugin.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <fstream>
#include <thread>

#include "stub_plugins.h"

namespace dockershimd::shim::network {
namespace {

using base::CallContext;
using base::Code;
using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

class RunCniPluginTest : public testing::Test {
 protected:
  base::Result<std::string> Run(const std::string& shell, const CallContext& context = Patient()) {
    folder_.Write("bin/bridge", "#!/bin/sh\n" + shell);
    std::filesystem::permissions(folder_.Path() / "bin/bridge", std::filesystem::perms(0755));
    return RunCniPlugin(context, Folders(),
                        {"ADD", "bridge", "c1", "/proc/1/ns/net", "eth0", "A=1;B=2", "the input"});
  }
  std::vector<std::filesystem::path> Folders() const {
    return {folder_.Path() / "none", folder_.Path() / "bin"};
  }

  TemporaryFolder folder_;
};

TEST_F(RunCniPluginTest, GivesEnvironmentAndInput) {
  const auto printed =
      Run("echo $CNI_COMMAND $CNI_CONTAINERID $CNI_NETNS $CNI_IFNAME \"$CNI_ARGS\" $CNI_PATH; cat");
  ASSERT_TRUE(printed) << printed.error().message;
  EXPECT_EQ(*printed, fmt::format("ADD c1 /proc/1/ns/net eth0 A=1;B=2 {}:{}\nthe input",
                                  Folders()[0].string(), Folders()[1].string()));
}

TEST_F(RunCniPluginTest, PluginsFindTheirTools) {
  EXPECT_THAT(*Run("echo $PATH"), HasSubstr("/usr/sbin"));
}

TEST_F(RunCniPluginTest, PassesOnThePluginsOwnError) {
  const auto printed =
      Run(R"(echo '{"code": 100, "msg": "no addresses left", "details": "10.0.0.0/24"}'
             echo noise >&2; exit 1)");
  ASSERT_FALSE(printed);
  EXPECT_EQ(printed.error().code, Code::kInternal);
  EXPECT_EQ(printed.error().message,
            "CNI plugin bridge, ADD: no addresses left (code 100): 10.0.0.0/24");
}

TEST_F(RunCniPluginTest, TryAgainLaterIsUnavailable) {
  const auto printed = Run(R"(echo '{"code": 11, "msg": "busy"}'; exit 1)");
  EXPECT_EQ(printed.error().code, Code::kUnavailable);
  EXPECT_EQ(printed.error().message, "CNI plugin bridge, ADD: busy (code 11)");
}

TEST_F(RunCniPluginTest, OddErrorsAreReadAsFarAsTheyGo) {
  EXPECT_THAT(Run(R"(echo '{"code": "x", "msg": "m", "details": 5}'; exit 1)").error().message,
              EndsWith("m (code 0)"));
  EXPECT_THAT(Run(R"(echo '{"code": 7, "msg": 8}'; exit 1)").error().message,
              HasSubstr("ended with code 1: {"));
  EXPECT_THAT(Run("echo '[1'; exit 3").error().message, EndsWith("ended with code 3: [1"));
  EXPECT_THAT(Run("exit 3").error().message, EndsWith("ended with code 3: it printed nothing"));
}

TEST_F(RunCniPluginTest, WithoutAnErrorTheEndOfStandardErrorIsShown) {
  const auto printed = Run("seq 1 1000 >&2; echo panic: nil map >&2; exit 2");
  EXPECT_THAT(printed.error().message,
              AllOf(StartsWith("CNI plugin bridge, ADD: ended with code 2: ..."),
                    EndsWith("1000\npanic: nil map")));
  EXPECT_LT(printed.error().message.size(), 600U);
}

TEST_F(RunCniPluginTest, OneThatASignalEndedIsAFailure) {
  EXPECT_THAT(Run("kill -9 $$").error().message, HasSubstr("ended with code 137"));
}

TEST_F(RunCniPluginTest, AMissingOneIsNamedWithTheFolders) {
  const auto printed =
      RunCniPlugin(Patient(), Folders(), {"ADD", "calico", "c1", "", "eth0", "", ""});
  ASSERT_FALSE(printed);
  EXPECT_EQ(printed.error().code, Code::kFailedPrecondition);
  EXPECT_EQ(printed.error().message,
            fmt::format("CNI plugin 'calico' is not in {},{}: install it or set --cni-bin-dir",
                        Folders()[0].string(), Folders()[1].string()));
}

TEST_F(RunCniPluginTest, FilesWithoutTheRightToRunAndFoldersAreNone) {
  folder_.Write("bin/plain", "#!/bin/sh\n");
  std::filesystem::create_directories(folder_.Path() / "bin" / "folder");
  EXPECT_FALSE(FindCniPlugin(Folders(), "plain"));
  EXPECT_FALSE(FindCniPlugin(Folders(), "folder"));
}

TEST_F(RunCniPluginTest, OneThatHangsIsKilledWithWhatItStarted) {
  const auto pids = (folder_.Path() / "pids").string();
  const auto before = std::chrono::steady_clock::now();
  const auto printed = Run("sleep 600 & echo $! $$ >" + pids + "; wait",
                           CallContext::WithTimeout(std::chrono::seconds(1)));
  ASSERT_FALSE(printed);
  EXPECT_EQ(printed.error().code, Code::kDeadlineExceeded);
  EXPECT_THAT(printed.error().message, StartsWith("CNI plugin bridge, ADD: "));
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(10));
  std::ifstream file(pids);
  int child = 0;
  int self = 0;
  ASSERT_TRUE(file >> child >> self);
  const auto gone = [](int pid) { return ::kill(pid, 0) != 0; };
  EXPECT_TRUE(gone(self));
  // The grandchild is reaped by another process.
  for (int i = 0; i < 200 && !gone(child); ++i) {
    std::string state;
    std::ifstream(fmt::format("/proc/{}/stat", child)) >> state >> state >> state;
    if (state == "Z") break;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    EXPECT_LT(i, 199) << "the grandchild still runs";
  }
}

}  // namespace
}  // namespace dockershimd::shim::network
