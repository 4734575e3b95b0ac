#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "shim/config/config.h"
#include "shim/config/fields.h"
#include "temporary_file.h"

namespace dockershimd::shim::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testsupport::TemporaryFile;

base::Result<Config> Load(const std::string& text) { return LoadFile(TemporaryFile(text).Path()); }

/// Loads a file that is wrong; returns what follows its path in the message.
std::string MistakeIn(const std::string& text) {
  const TemporaryFile file(text);
  const auto config = LoadFile(file.Path());
  EXPECT_FALSE(config);
  if (config) return "";
  EXPECT_EQ(config.error().code, base::Code::kInvalidArgument);
  EXPECT_THAT(config.error().message, testing::StartsWith(file.Path() + ":"));
  return config.error().message.substr(file.Path().size());
}

TEST(ConfigFile, EmptyMeansDefaults) {
  const auto config = Load("");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(*config, Config());
}

TEST(ConfigFile, EachType) {
  const auto config = Load(
      "# a comment\n"
      "network = 'bridge'\n"
      "cni_bin_dir = [ \"/a\", '/b' ]\n"
      "container_log_max_files = 7\n");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->network, "bridge");
  EXPECT_THAT(config->cni_bin_dir, ElementsAre("/a", "/b"));
  EXPECT_EQ(config->container_log_max_files, 7);
  EXPECT_EQ(config->listen, Config().listen);
  EXPECT_THAT(Load("cni_bin_dir = []")->cni_bin_dir, IsEmpty());
}

TEST(ConfigFile, UnknownKeys) {
  EXPECT_EQ(MistakeIn("network = 'cni'\n\nnetwrok = 'cni'\n"), ":3: unknown key 'netwrok'");
  EXPECT_EQ(MistakeIn("[network]\nmode = 'cni'\n"), ":1: network: must be a string");
  EXPECT_EQ(MistakeIn("[extra]\na = 1\n"), ":1: unknown key 'extra'");
  EXPECT_EQ(MistakeIn("cni-conf-dir = '/x'"), ":1: unknown key 'cni-conf-dir'");
}

TEST(ConfigFile, WrongTypes) {
  EXPECT_EQ(MistakeIn("\nlisten = 5\n"), ":2: listen: must be a string");
  EXPECT_EQ(MistakeIn("container_log_max_files = '5'"),
            ":1: container_log_max_files: must be a whole number");
  EXPECT_EQ(MistakeIn("container_log_max_files = 5.0"),
            ":1: container_log_max_files: must be a whole number");
  EXPECT_EQ(MistakeIn("cni_bin_dir = '/a'"), ":1: cni_bin_dir: must be a list of strings");
  EXPECT_EQ(MistakeIn("cni_bin_dir = ['/a', 1]"), ":1: cni_bin_dir: must be a list of strings");
}

TEST(ConfigFile, NoToml) {
  EXPECT_THAT(MistakeIn("listen = 'a'\nlisten = 'b'\n"), HasSubstr(":2: "));
  EXPECT_THAT(MistakeIn("\nlisten = \n"), HasSubstr(":2: "));
  EXPECT_THAT(MistakeIn("listen\n"), HasSubstr(":1: "));
  EXPECT_THAT(MistakeIn("listen = \"\xff\"\n"), HasSubstr(":1: "));
}

TEST(ConfigFile, BadValuesNameTheFile) {
  EXPECT_THAT(MistakeIn("\nnetwork = 'calico'\n"),
              HasSubstr(":2: network: 'calico' is not one of"));
  EXPECT_THAT(MistakeIn("cni_bin_dir = ['relative']"), HasSubstr(":1: cni_bin_dir: 'relative'"));
}

TEST(ConfigFile, Missing) {
  const auto config = LoadFile("/nonexistent/config.toml");
  ASSERT_FALSE(config);
  EXPECT_THAT(config.error().message, HasSubstr("/nonexistent/config.toml"));
}

/// The file that is shipped says what the defaults are; this keeps it true.
TEST(DeployedConfig, HasExactlyTheDefaults) {
  const auto config = LoadFile(DEPLOYED_CONFIG);
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(*config, Config());
}

TEST(DeployedConfig, HasEveryKeyWithItsExplanation) {
  std::ifstream file(DEPLOYED_CONFIG);
  std::string previous;
  std::vector<std::string> keys;
  for (std::string line; std::getline(file, line); previous = line) {
    if (line.empty() || line[0] == '#') continue;
    EXPECT_TRUE(previous.starts_with("# ")) << line;
    keys.push_back(line.substr(0, line.find(" = ")));
  }
  std::vector<std::string> expected;
  for (const auto& field : Fields()) expected.emplace_back(field.name);
  EXPECT_EQ(keys, expected);
}

TEST(ManPage, HasEveryFlag) {
  std::ifstream file(MAN_PAGE);
  const std::string page(std::istreambuf_iterator<char>(file), {});
  for (const auto& field : Fields()) {
    std::string flag = field.name;
    std::replace(flag.begin(), flag.end(), '_', '-');
    EXPECT_NE(page.find("\n.It Fl -" + flag + " "), std::string::npos) << flag;
  }
}

}  // namespace
}  // namespace dockershimd::shim::config
