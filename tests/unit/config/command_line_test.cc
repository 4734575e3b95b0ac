#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "shim/config/config.h"
#include "temporary_file.h"

namespace dockershimd::shim::config {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testsupport::TemporaryFile;
using Action = CommandLine::Action;

/// What a command line leads to, and what it prints.
struct Outcome {
  CommandLine parsed;
  std::string out;
  std::string err;
};

Outcome Parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "dockershimd");
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  auto parsed = ParseCommandLine(static_cast<int>(arguments.size()), arguments.data(), "1.2.3");
  return {std::move(parsed), testing::internal::GetCapturedStdout(),
          testing::internal::GetCapturedStderr()};
}

TEST(CommandLine, NothingGiven) {
  const TemporaryFile empty("");
  const auto outcome = Parse({"--config", empty.Path().c_str()});
  EXPECT_EQ(outcome.parsed.action, Action::kRun);
  EXPECT_EQ(outcome.parsed.config, Config());
  EXPECT_EQ(outcome.out + outcome.err, "");
}

TEST(CommandLine, FlagsOverFileOverDefaults) {
  const TemporaryFile file("network = 'cni'\nlog_level = 'debug'\ncni_bin_dir = ['/file']\n");
  const auto outcome = Parse({"--config", file.Path().c_str(), "--log-level", "error",
                              "--container-log-max-files=9", "--cni-bin-dir", "/a", "/b"});
  ASSERT_EQ(outcome.parsed.action, Action::kRun) << outcome.err;
  const auto& config = outcome.parsed.config;
  EXPECT_EQ(config.network, "cni");
  EXPECT_EQ(config.log_level, "error");
  EXPECT_EQ(config.container_log_max_files, 9);
  EXPECT_THAT(config.cni_bin_dir, ElementsAre("/a", "/b"));
  EXPECT_EQ(config.listen, Config().listen);
}

TEST(CommandLine, AFlagCanSetTheDefaultAgain) {
  const TemporaryFile file("network = 'cni'\n");
  EXPECT_EQ(Parse({"--config", file.Path().c_str(), "--network", "auto"}).parsed.config.network,
            "auto");
}

TEST(CommandLine, Check) {
  const TemporaryFile file("network = 'cni'\n");
  for (const auto& order : {std::vector<const char*>{"check", "--log-format", "json"},
                            {"--log-format", "json", "check"}}) {
    auto arguments = order;
    const std::string path = file.Path();
    arguments.insert(arguments.end(), {"--config", path.c_str()});
    const auto outcome = Parse(arguments);
    EXPECT_EQ(outcome.parsed.action, Action::kCheck) << outcome.err;
    EXPECT_EQ(outcome.parsed.config.log_format, "json");
    EXPECT_EQ(outcome.parsed.config.network, "cni");
  }
}

TEST(CommandLine, OtherCommands) {
  const TemporaryFile file("listen = '/run/here.sock'\n");
  const std::string path = file.Path();
  const auto parse = [&](std::vector<const char*> arguments) {
    arguments.insert(arguments.end(), {"--config", path.c_str()});
    return Parse(arguments).parsed;
  };
  const auto status = parse({"status", "--json"});
  EXPECT_EQ(status.action, Action::kStatus);
  EXPECT_TRUE(status.json);
  EXPECT_EQ(status.endpoint, "unix:///run/here.sock");
  const auto remove = parse({"remove-pods", "--endpoint", "unix:///run/other.sock"});
  EXPECT_EQ(remove.action, Action::kRemovePods);
  EXPECT_EQ(remove.endpoint, "unix:///run/other.sock");
  const auto hand_back = parse({"hand-back"});
  EXPECT_EQ(hand_back.action, Action::kHandBack);
  EXPECT_EQ(hand_back.root_dir, "/var/lib/cri-dockerd");
  EXPECT_EQ(parse({"hand-back", "--root-dir", "/x"}).root_dir, "/x");
  EXPECT_TRUE(parse({"check", "--json"}).json);
}

TEST(CommandLine, Version) {
  const auto outcome = Parse({"--version"});
  EXPECT_EQ(outcome.parsed.action, Action::kExit);
  EXPECT_EQ(outcome.parsed.exit_code, 0);
  EXPECT_EQ(outcome.out, "dockershimd 1.2.3\n");
}

TEST(CommandLine, Help) {
  const auto outcome = Parse({"--help"});
  EXPECT_EQ(outcome.parsed.action, Action::kExit);
  EXPECT_EQ(outcome.parsed.exit_code, 0);
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("--cni-conf-dir"), HasSubstr("/etc/cni/net.d"),
                                 HasSubstr("check"), HasSubstr("pod networks")));
}

TEST(CommandLine, Mistakes) {
  const TemporaryFile bad("netwrok = 'cni'\n");
  const std::string path = bad.Path();
  const std::pair<std::vector<const char*>, const char*> kMistakes[] = {
      {{"--nonesuch"}, "--nonesuch"},
      {{"surplus"}, "surplus"},
      {{"check", "status"}, "status"},
      {{"--json"}, "--json"},
      {{"--container-log-max-files", "many"}, "--container-log-max-files"},
      {{"--config", "/nonexistent.toml"}, "/nonexistent.toml"},
      {{"--config", path.c_str()}, "netwrok"},
      {{"--network", "calico"}, "network: 'calico' is not one of"},
      {{"--listen", "tcp://x"}, "listen"},
  };
  for (const auto& [arguments, words] : kMistakes) {
    const auto outcome = Parse(arguments);
    EXPECT_EQ(outcome.parsed.action, Action::kExit);
    EXPECT_EQ(outcome.parsed.exit_code, 2);
    EXPECT_THAT(outcome.err, HasSubstr(words));
  }
}

}  // namespace
}  // namespace dockershimd::shim::config
