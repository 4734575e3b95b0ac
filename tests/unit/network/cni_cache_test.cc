#include "shim/network/cni_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <nlohmann/json.hpp>

#include "stub_plugins.h"

namespace dockershimd::shim::network {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

/// As libcni 1.1 writes it; the configuration is {"name":"pods","plugins":[{"type":"bridge"}]}.
constexpr std::string_view kOfLibcni = R"({"kind":"cniCacheV1","containerId":"c1",
  "config":"eyJuYW1lIjoicG9kcyIsInBsdWdpbnMiOlt7InR5cGUiOiJicmlkZ2UifV19","ifName":"eth0",
  "networkName":"pods","netns":"/proc/1/ns/net",
  "cniArgs":[["IgnoreUnknown","1"],["K8S_POD_NAME","web"]],
  "capabilityArgs":{"portMappings":[{"hostPort":80}]},
  "result":{"cniVersion":"1.0.0","ips":[{"address":"10.0.0.5/24"}]}})";

CniAttachment Attachment(const std::string& container_id = "c1") {
  CniAttachment attachment;
  attachment.network = "pods";
  attachment.container_id = container_id;
  attachment.interface = "eth0";
  attachment.netns = "/proc/1/ns/net";
  attachment.args = "IgnoreUnknown=1;K8S_POD_NAME=web";
  attachment.config = R"({"name":"pods","plugins":[{"type":"bridge"}]})";
  attachment.capabilities = R"({"portMappings":[{"hostPort":80}]})";
  attachment.result = R"({"cniVersion":"1.0.0","ips":[{"address":"10.0.0.5/24"}]})";
  return attachment;
}

void ExpectSame(const CniAttachment& read, const CniAttachment& written) {
  EXPECT_EQ(read.network, written.network);
  EXPECT_EQ(read.container_id, written.container_id);
  EXPECT_EQ(read.interface, written.interface);
  EXPECT_EQ(read.netns, written.netns);
  EXPECT_EQ(read.args, written.args);
  EXPECT_EQ(read.config, written.config);
  EXPECT_EQ(read.capabilities, written.capabilities);
  EXPECT_EQ(read.result, written.result);
}

TEST(Attachment, ReadsBackAsItWasWritten) {
  const auto read = DecodeAttachment(EncodeAttachment(Attachment()));
  ASSERT_TRUE(read) << read.error().message;
  ExpectSame(*read, Attachment());
  EXPECT_TRUE(read->ours);
}

TEST(Attachment, OneThatWasOnlyBegunHasNoResult) {
  auto begun = Attachment();
  begun.result.clear();
  const auto text = EncodeAttachment(begun);
  EXPECT_FALSE(nlohmann::json::parse(text).contains("result"));
  EXPECT_EQ(DecodeAttachment(text)->result, "");
}

TEST(Attachment, LibcnisAreReadAndAreNotOurs) {
  const auto read = DecodeAttachment(kOfLibcni);
  ASSERT_TRUE(read) << read.error().message;
  ExpectSame(*read, Attachment());
  EXPECT_FALSE(read->ours);
}

TEST(Attachment, LibcniFindsAllItNeedsInOurs) {
  auto ours = nlohmann::json::parse(EncodeAttachment(Attachment()));
  ours.erase("runtime");
  EXPECT_EQ(ours, nlohmann::json::parse(kOfLibcni));
}

TEST(Attachment, GarbageIsRefused) {
  for (
      const char* text :
      {"", "{}", "[]", R"({"kind": "cniCacheV1"})",
       R"({"kind": "cniCacheV2", "containerId": "c1"})",
       R"({"kind":"cniCacheV1","containerId":"c1","networkName":"n","ifName":"eth0","config":"*"})",
       R"({"kind":"cniCacheV1","containerId":"../c1","networkName":"n","ifName":"eth0"})",
       R"({"kind":"cniCacheV1","containerId":5,"networkName":"n","ifName":"eth0"})"}) {
    EXPECT_FALSE(DecodeAttachment(text)) << text;
  }
}

TEST(Attachment, MembersOfTheWrongKindAreLeftOut) {
  const auto read = DecodeAttachment(R"({"kind":"cniCacheV1","containerId":"c1",
      "networkName":"n","ifName":"eth0","config":"","cniArgs":[1,["a"],["a","b"],["c",1]],
      "capabilityArgs":[],"result":"x","netns":1})");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->args, "a=b");
  EXPECT_EQ(read->capabilities + read->result + read->netns, "");
}

class CniCacheTest : public testing::Test {
 protected:
  std::vector<std::string> Files() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder_.Path() / "results")) {
      names.push_back(entry.path().filename().string());
    }
    return names;
  }

  TemporaryFolder folder_;
  CniCache cache_{folder_.Path()};
};

TEST_F(CniCacheTest, IsEmptyWithoutAFolder) {
  EXPECT_THAT(cache_.Find("c1"), IsEmpty());
  EXPECT_THAT(cache_.All(), IsEmpty());
  EXPECT_FALSE(cache_.Has(Attachment()));
  EXPECT_TRUE(cache_.Remove(Attachment()));
}

TEST_F(CniCacheTest, FilesAreNamedAsLibcniNamesThemAndPrivate) {
  ASSERT_TRUE(cache_.Save(Attachment()));
  EXPECT_THAT(Files(), ElementsAre("pods-c1-eth0"));
  struct stat status{};
  ASSERT_EQ(::stat((folder_.Path() / "results" / "pods-c1-eth0").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
}

TEST_F(CniCacheTest, FindsThoseOfOneSandbox) {
  ASSERT_TRUE(cache_.Save(Attachment("c1")));
  ASSERT_TRUE(cache_.Save(Attachment("c11")));
  ASSERT_TRUE(cache_.Save(Attachment("x-c1-y")));
  const auto found = cache_.Find("c1");
  ASSERT_THAT(found, SizeIs(1));
  ExpectSame(found[0], Attachment());
  EXPECT_THAT(cache_.All(), SizeIs(3));
  EXPECT_TRUE(cache_.Remove(found[0]));
  EXPECT_THAT(cache_.Find("c1"), IsEmpty());
  EXPECT_THAT(cache_.All(), SizeIs(2));
}

TEST_F(CniCacheTest, FindsOneByItsNames) {
  ASSERT_TRUE(cache_.Save(Attachment()));
  const auto found = cache_.Find("pods", Attachment().container_id, "eth0");
  ASSERT_TRUE(found);
  ExpectSame(*found, Attachment());
  EXPECT_TRUE(cache_.Has(*found));
  EXPECT_FALSE(cache_.Find("other", Attachment().container_id, "eth0"));
  EXPECT_FALSE(cache_.Find("pods", Attachment().container_id, "eth1"));
}

TEST_F(CniCacheTest, SaveReplaces) {
  auto attachment = Attachment();
  attachment.result.clear();
  ASSERT_TRUE(cache_.Save(attachment));
  ASSERT_TRUE(cache_.Save(Attachment()));
  EXPECT_THAT(cache_.Find("c1"), SizeIs(1));
  EXPECT_EQ(cache_.Find("c1")[0].result, Attachment().result);
}

TEST_F(CniCacheTest, ThoseOfDockershimLieInAFolderOfTheirOwn) {
  folder_.Write("cache/results/pods-c1-eth0", kOfLibcni);
  const auto found = cache_.Find("c1");
  ASSERT_THAT(found, SizeIs(1));
  EXPECT_TRUE(cache_.Has(found[0]));
  EXPECT_TRUE(cache_.Remove(found[0]));
  EXPECT_FALSE(std::filesystem::exists(folder_.Path() / "cache/results/pods-c1-eth0"));
}

TEST_F(CniCacheTest, ForeignAndBrokenFilesArePassedOver) {
  folder_.Write("results/pods-c1-eth0", "{ half");
  folder_.Write("results/renamed-c1-eth0", kOfLibcni);
  std::filesystem::create_directories(folder_.Path() / "results" / "a-c1-folder");
  EXPECT_THAT(cache_.Find("c1"), IsEmpty());
  EXPECT_THAT(cache_.All(), IsEmpty());
}

TEST_F(CniCacheTest, WhatACrashLeftHalfWrittenIsNoAttachmentAndGoes) {
  ASSERT_TRUE(cache_.Save(Attachment()));
  folder_.Write("results/pods-c1-eth0.a1B2c3", EncodeAttachment(Attachment()));
  folder_.Write("results/pods-c2-eth0.d1E2f3", "{ ha");
  EXPECT_THAT(cache_.All(), SizeIs(1));
  cache_.RemoveLeftovers();
  EXPECT_THAT(Files(), SizeIs(3)) << "another thread may be writing them just now";
  for (const char* name : {"pods-c1-eth0", "pods-c1-eth0.a1B2c3", "pods-c2-eth0.d1E2f3"}) {
    const auto file = folder_.Path() / "results" / name;
    std::filesystem::last_write_time(
        file, std::filesystem::file_time_type::clock::now() - std::chrono::hours(1));
  }
  cache_.RemoveLeftovers();
  EXPECT_THAT(Files(), ElementsAre("pods-c1-eth0"));
}

}  // namespace
}  // namespace dockershimd::shim::network
