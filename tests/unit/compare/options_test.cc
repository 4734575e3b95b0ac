#include "compare/options.h"

#include <gmock/gmock.h>

namespace dockershimd::compare {
namespace {

CommandLine Parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "cri-compare");
  return ParseCommandLine(static_cast<int>(arguments.size()), arguments.data(), "1.2.3");
}

TEST(Options, AreRead) {
  const auto command =
      Parse({"--left",     "unix:///l", "--right",    "unix:///r",  "--image",   "i",
             "--only",     "logs/*",    "--only",     "exec/sync",  "--rounds",  "3",
             "--left-pid", "1",         "--left-pid", "/run/x.pid", "--fail-on", "difference",
             "--fail-on",  "slower:2",  "--json",     "/x"});
  ASSERT_EQ(command.action, CommandLine::Action::kCompare);
  EXPECT_EQ(command.options.left, "unix:///l");
  EXPECT_EQ(command.options.image, "i");
  EXPECT_THAT(command.options.only, testing::ElementsAre("logs/*", "exec/sync"));
  EXPECT_THAT(command.options.left_pids, testing::ElementsAre("1", "/run/x.pid"));
  EXPECT_EQ(command.options.rounds, 3);
  EXPECT_EQ(command.options.json, "/x");
  EXPECT_TRUE(command.options.policy.on_difference);
  EXPECT_DOUBLE_EQ(command.options.policy.slower, 2);
}

TEST(Options, WrongUsageEndsWithTwo) {
  const std::vector<std::vector<const char*>> wrong = {
      {},
      {"--left", "unix:///l"},
      {"--left", "unix:///l", "--right", "unix:///r"},
      {"--left", "l", "--right", "r", "--image", "i", "--fail-on", "nothing"},
      {"--no-such-flag"},
      {"--left", "l", "--right", "r", "--image", "i", "--rounds", "-1"}};
  for (const auto& arguments : wrong) {
    const auto command = Parse(arguments);
    EXPECT_EQ(command.action, CommandLine::Action::kExit);
    EXPECT_EQ(command.exit_code, 2);
  }
}

TEST(Options, ListNeedsNoEndpoint) {
  EXPECT_EQ(Parse({"--list"}).action, CommandLine::Action::kList);
  EXPECT_EQ(Parse({"--clean", "--left", "l", "--right", "r"}).action, CommandLine::Action::kClean);
  EXPECT_EQ(Parse({"--clean"}).exit_code, 2);
  EXPECT_EQ(Parse({"--version"}).exit_code, 0);
}

}  // namespace
}  // namespace dockershimd::compare
