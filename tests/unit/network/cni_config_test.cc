#include "shim/network/cni_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace dockershimd::shim::network {
namespace {

using base::Code;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

std::string WithVersions(const std::string& versions) {
  return R"({"name": "pods", )" + versions + R"("plugins": [{"type": "bridge"}]})";
}

TEST(ParseCniConfig, ReadsAList) {
  const std::string text = R"({
    "cniVersion": "1.0.0", "name": "pods", "disableCheck": true,
    "plugins": [
      {"type": "bridge", "bridge": "cni0"},
      {"type": "portmap", "capabilities": {"portMappings": true, "dns": false, "bandwidth": true}}
    ]})";
  const auto config = ParseCniConfig(text);
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->name, "pods");
  EXPECT_EQ(config->version, "1.0.0");
  EXPECT_TRUE(config->disable_check);
  EXPECT_FALSE(config->disable_gc);
  EXPECT_EQ(config->text, text);
  ASSERT_EQ(config->plugins.size(), 2U);
  EXPECT_EQ(config->plugins[0].type, "bridge");
  EXPECT_THAT(config->plugins[0].config, HasSubstr("cni0"));
  EXPECT_THAT(config->plugins[1].capabilities, UnorderedElementsAre("portMappings", "bandwidth"));
}

TEST(ParseCniConfig, MakesAListOfASinglePlugin) {
  const auto config = ParseCniConfig(
      R"({"cniVersion": "0.4.0", "name": "one", "type": "bridge", "bridge": "cni0"})");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->name, "one");
  EXPECT_EQ(config->version, "0.4.0");
  ASSERT_EQ(config->plugins.size(), 1U);
  const auto list = nlohmann::json::parse(config->text);
  EXPECT_EQ(list["name"], "one");
  EXPECT_EQ(list["cniVersion"], "0.4.0");
  EXPECT_EQ(list["plugins"][0]["bridge"], "cni0");
  EXPECT_EQ(ParseCniConfig(config->text)->plugins[0].config, config->plugins[0].config);
}

TEST(ParseCniConfig, TakesTheNewestVersionThatBothKnow) {
  const auto version_of = [](const std::string& versions) {
    const auto config = ParseCniConfig(WithVersions(versions));
    return config ? config->version : config.error().message;
  };
  EXPECT_EQ(version_of(""), "0.1.0");
  EXPECT_EQ(version_of(R"("cniVersion": "0.3.1",)"), "0.3.1");
  EXPECT_EQ(version_of(R"("cniVersion": "1.1.0",)"), "1.1.0");
  EXPECT_EQ(version_of(R"("cniVersions": ["0.4.0", "1.1.0", "1.0.0"],)"), "1.1.0");
  EXPECT_EQ(version_of(R"("cniVersions": ["0.4.0", "9.0.0"], "cniVersion": "1.0.0",)"), "1.0.0");
  EXPECT_EQ(version_of(R"("cniVersions": ["9.0.0"], "cniVersion": "0.4.0",)"), "0.4.0");
  EXPECT_THAT(version_of(R"("cniVersion": "2.0.0",)"), HasSubstr("'2.0.0' is not known"));
  EXPECT_THAT(version_of(R"("cniVersion": 1,)"), HasSubstr("not a text"));
  EXPECT_THAT(version_of(R"("cniVersions": "1.0.0",)"), HasSubstr("not a list"));
}

TEST(ParseCniConfig, ReadsFlagsAsLibcniDoes) {
  const auto config = [](const std::string& flags) { return ParseCniConfig(WithVersions(flags)); };
  EXPECT_TRUE(config(R"("disableCheck": "true",)")->disable_check);
  EXPECT_FALSE(config(R"("disableCheck": "false",)")->disable_check);
  EXPECT_TRUE(config(R"("disableGC": true,)")->disable_gc);
  EXPECT_FALSE(config(R"("disableGC": 1,)"));
}

TEST(ParseCniConfig, SaysWhatIsWrong) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "not a JSON object"},
      {"[]", "not a JSON object"},
      {R"({"name": "a")", "not a JSON object"},
      {std::string(1 << 20, '['), "not a JSON object"},
      {R"({"plugins": [{"type": "bridge"}]})", "name is missing"},
      {R"({"name": 5, "plugins": [{"type": "bridge"}]})", "name is missing"},
      {R"({"name": "../a", "plugins": [{"type": "bridge"}]})", "'../a'"},
      {R"({"name": "-a", "plugins": [{"type": "bridge"}]})", "'-a'"},
      {R"({"name": "a", "plugins": []})", "no plugins"},
      {R"({"name": "a", "plugins": {}})", "no plugins"},
      {R"({"name": "a"})", "no plugins"},
      {R"({"name": "a", "plugins": [{"bridge": "b"}]})", "type is missing"},
      {R"({"name": "a", "plugins": [{"type": "../sh"}]})", "'../sh'"},
      {R"({"name": "a", "plugins": ["bridge"]})", "not an object"},
  };
  for (const auto& [text, expected] : cases) {
    const auto config = ParseCniConfig(text);
    ASSERT_FALSE(config) << text.substr(0, 100);
    EXPECT_EQ(config.error().code, Code::kInvalidArgument);
    EXPECT_THAT(config.error().message, HasSubstr(expected));
  }
}

TEST(IsCniName, AsTheSpecHasIt) {
  for (const char* name : {"a", "A.b_c-d", "0", "cbr0"}) EXPECT_TRUE(IsCniName(name)) << name;
  for (const char* name : {"", ".", "..", "_a", "a/b", "a b", "a\n", "ä"}) {
    EXPECT_FALSE(IsCniName(name)) << name;
  }
}

}  // namespace
}  // namespace dockershimd::shim::network
