#include "shim/network/cni_config_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "stub_plugins.h"

namespace dockershimd::shim::network {
namespace {

using base::Code;
using testing::AllOf;
using testing::HasSubstr;

std::string ListNamed(const std::string& name) {
  return R"({"cniVersion": "1.0.0", "name": ")" + name + R"(", "plugins": [{"type": "bridge"}]})";
}

std::string NameIn(CniConfigFolder& folder) {
  const auto config = folder.Current();
  return config ? (*config)->name : "none";
}

TEST(CniConfigFolder, TheFirstByNameCounts) {
  const TemporaryFolder folder;
  folder.Write("20-b.conflist", ListNamed("b"));
  folder.Write("10-c.json", R"({"name": "c", "type": "bridge"})");
  folder.Write("00-notes.txt", ListNamed("notes"));
  folder.Write("00-folder.conf/x", "");
  CniConfigFolder networks(folder.Path());
  EXPECT_EQ(NameIn(networks), "c");
  folder.Write("05-d.conf", R"({"name": "d", "type": "bridge"})");
  EXPECT_EQ(NameIn(networks), "d");
  std::filesystem::remove(folder.Path() / "05-d.conf");
  std::filesystem::remove(folder.Path() / "10-c.json");
  EXPECT_EQ(NameIn(networks), "b");
}

TEST(CniConfigFolder, UnusableOnesArePassedOver) {
  const TemporaryFolder folder;
  folder.Write("10-half.conflist", R"({"name": "half", "plug)");
  folder.Write("20-b.conflist", ListNamed("b"));
  CniConfigFolder networks(folder.Path());
  EXPECT_EQ(NameIn(networks), "b");
  folder.Write("10-half.conflist", ListNamed("whole"));
  EXPECT_EQ(NameIn(networks), "whole");
}

TEST(CniConfigFolder, IsReadAgainOnlyAfterAChange) {
  const TemporaryFolder folder;
  folder.Write("10-a.conflist", ListNamed("a"));
  CniConfigFolder networks(folder.Path());
  const auto first = networks.Current();
  ASSERT_TRUE(first);
  EXPECT_EQ(*networks.Current(), *first);
  // The same size, and renamed into place with the old file's time.
  folder.Write("new", ListNamed("b"));
  std::filesystem::last_write_time(
      folder.Path() / "new", std::filesystem::last_write_time(folder.Path() / "10-a.conflist"));
  std::filesystem::rename(folder.Path() / "new", folder.Path() / "10-a.conflist");
  EXPECT_EQ(NameIn(networks), "b");
}

TEST(CniConfigFolder, SaysWhatToDoWithoutAConfiguration) {
  const TemporaryFolder folder;
  CniConfigFolder networks(folder.Path() / "missing");
  EXPECT_FALSE(networks.HasFiles());
  const auto config = networks.Current();
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().code, Code::kFailedPrecondition);
  EXPECT_EQ(config.error().message, "no CNI configuration found in " +
                                        (folder.Path() / "missing").string() +
                                        ": install a network add-on or pass --network bridge");
}

TEST(CniConfigFolder, NamesWhatIsWrongWithTheOnlyOnes) {
  const TemporaryFolder folder;
  folder.Write("10-a.conflist", "{}");
  folder.Write("20-b.conflist", R"({"name": "b", "plugins": []})");
  CniConfigFolder networks(folder.Path());
  EXPECT_TRUE(networks.HasFiles());
  EXPECT_THAT(networks.Current().error().message,
              AllOf(HasSubstr("10-a.conflist: "), HasSubstr("20-b.conflist: no plugins")));
}

TEST(CniConfigFolder, PluginsInFilesOfTheirOwnCompleteAList) {
  const TemporaryFolder folder;
  folder.Write("10-a.conflist", ListNamed("a"));
  folder.Write("a/20-tuning.conf", R"({"type": "tuning"})");
  folder.Write("a/10-portmap.conf",
               R"({"type": "portmap", "capabilities": {"portMappings": true}})");
  folder.Write("a/30-other.conflist", R"({"type": "never"})");
  CniConfigFolder networks(folder.Path());
  const auto config = networks.Current();
  ASSERT_TRUE(config) << config.error().message;
  ASSERT_EQ((*config)->plugins.size(), 3U);
  EXPECT_EQ((*config)->plugins[0].type, "bridge");
  EXPECT_EQ((*config)->plugins[1].type, "portmap");
  EXPECT_EQ((*config)->plugins[2].type, "tuning");
  EXPECT_EQ(ParseCniConfig((*config)->text)->plugins.size(), 3U) << "the cached text has all";
  folder.Write("a/20-tuning.conf", R"({"type": "other"})");
  EXPECT_EQ((*networks.Current())->plugins[2].type, "other");
}

TEST(CniConfigFolder, AListMayHaveAllItsPluginsInFiles) {
  const TemporaryFolder folder;
  folder.Write("10-a.conflist", R"({"cniVersion": "1.1.0", "name": "a"})");
  CniConfigFolder networks(folder.Path());
  EXPECT_FALSE(networks.Current());
  folder.Write("a/bridge.conf", R"({"type": "bridge"})");
  EXPECT_EQ(NameIn(networks), "a");
}

TEST(CniConfigFolder, LoadOnlyInlinedPlugins) {
  const TemporaryFolder folder;
  folder.Write("10-a.conflist", R"({"name": "a", "loadOnlyInlinedPlugins": true,
                                    "plugins": [{"type": "bridge"}]})");
  folder.Write("a/10-portmap.conf", R"({"type": "portmap"})");
  CniConfigFolder networks(folder.Path());
  EXPECT_EQ((*networks.Current())->plugins.size(), 1U);
}

}  // namespace
}  // namespace dockershimd::shim::network
