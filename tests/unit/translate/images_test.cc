#include "shim/translate/images.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace dockershimd::shim::translate {
namespace {

using base::Code;
using testing::ElementsAre;
using testing::HasSubstr;

const std::string kDigits = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
const std::string kId = "sha256:" + kDigits;
const std::string kDigest = "sha256:" + std::string(64, 'd');

runtime::v1::ImageSpec Spec(const std::string& image) {
  runtime::v1::ImageSpec spec;
  spec.set_image(image);
  return spec;
}

dockerapi::ImageDetails Details() {
  dockerapi::ImageDetails details;
  details.id = kId;
  details.repo_tags = {"registry.io/app:1", "busybox:latest"};
  details.repo_digests = {"registry.io/app@" + kDigest, "busybox@" + kDigest};
  details.size_bytes = 1234;
  return details;
}

TEST(PullName, AlwaysOneVersion) {
  EXPECT_EQ(PullName(Spec("app"))->Familiar(), "app:latest");
  EXPECT_EQ(PullName(Spec("r.io/app:2"))->Familiar(), "r.io/app:2");
  EXPECT_EQ(PullName(Spec("r.io/app:2@" + kDigest))->Familiar(), "r.io/app@" + kDigest);
}

TEST(PullName, Refuses) {
  for (const std::string& text : {std::string(), kId, kDigits, std::string("UPPER")}) {
    const auto name = PullName(Spec(text));
    ASSERT_FALSE(name) << text;
    EXPECT_EQ(name.error().code, Code::kInvalidArgument);
    EXPECT_THAT(name.error().message, testing::StartsWith("image.image: "));
  }
  EXPECT_EQ(PullName(Spec("")).error().message, "image.image: is required");
}

TEST(LookupReference, NamesAndIds) {
  EXPECT_EQ(*LookupReference(Spec("app")), "docker.io/library/app:latest");
  EXPECT_EQ(*LookupReference(Spec("r.io/app:1@" + kDigest)), "r.io/app@" + kDigest);
  EXPECT_EQ(*LookupReference(Spec(kId)), kId);
  EXPECT_EQ(*LookupReference(Spec("0123456789ab")), "0123456789ab");
}

TEST(LookupReference, Refuses) {
  EXPECT_EQ(LookupReference(Spec("")).error().code, Code::kInvalidArgument);
  EXPECT_EQ(LookupReference(Spec("")).error().message, "image.image: is required");
  const auto bad = LookupReference(Spec("../containers/json"));
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().code, Code::kInvalidArgument);
  EXPECT_THAT(bad.error().message, testing::StartsWith("image.image: "));
}

TEST(ToImage, Names) {
  dockerapi::ImageDetails details;
  details.id = kId;
  details.repo_tags = {"app:1", "app:2"};
  details.repo_digests = {"app@" + kDigest};
  details.size_bytes = 77;
  const auto image = ToImage(details, "pause:1");
  EXPECT_EQ(image.id(), kId);
  EXPECT_THAT(image.repo_tags(), ElementsAre("app:1", "app:2"));
  EXPECT_THAT(image.repo_digests(), ElementsAre("app@" + kDigest));
  EXPECT_EQ(image.size(), 77U);
  EXPECT_EQ(image.spec().image(), kId);
  EXPECT_FALSE(image.pinned());
}

TEST(ToImage, NamesByDigestAreNoTags) {
  auto details = Details();
  details.repo_tags = {"registry.io/app@" + kDigest};
  EXPECT_THAT(ToImage(details, "").repo_tags(), ElementsAre());
  EXPECT_EQ(ToImage(details, "").repo_digests_size(), 2);
}

TEST(ToImage, SizeIsNeverZero) {
  auto details = Details();
  for (const std::int64_t size : {std::int64_t{0}, std::int64_t{-1}}) {
    details.size_bytes = size;
    EXPECT_EQ(ToImage(details, "").size(), 1U);
  }
}

TEST(ToImage, PinnedHoweverTheSandboxImageIsWritten) {
  for (const std::string& pinned :
       {std::string("registry.io/app:1"), std::string("busybox"),
        std::string("docker.io/library/busybox:latest"), "registry.io/app@" + kDigest,
        "registry.io/app:9@" + kDigest, kId}) {
    EXPECT_TRUE(ToImage(Details(), pinned).pinned()) << pinned;
  }
  for (const std::string& other : {std::string("registry.io/app"), std::string("busybox:1"),
                                   std::string(), "other.io/app@" + kDigest}) {
    EXPECT_FALSE(ToImage(Details(), other).pinned()) << other;
  }
}

struct User {
  std::string config;
  std::optional<std::int64_t> uid;
  std::string name;
};
class ImageUsers : public testing::TestWithParam<User> {};

TEST_P(ImageUsers, UidOrName) {
  auto details = Details();
  details.user = GetParam().config;
  const auto image = ToImage(details, "");
  EXPECT_EQ(image.has_uid(), GetParam().uid.has_value());
  EXPECT_EQ(image.uid().value(), GetParam().uid.value_or(0));
  EXPECT_EQ(image.username(), GetParam().name);
}

INSTANTIATE_TEST_SUITE_P(All, ImageUsers,
                         testing::Values(User{"", {}, ""}, User{"1002", 1002, ""}, User{"0", 0, ""},
                                         User{"1003:50000", 1003, ""}, User{"1003:users", 1003, ""},
                                         User{"www-data", {}, "www-data"},
                                         User{"www-data:www-data", {}, "www-data"},
                                         User{"1a", {}, "1a"}, User{":5", {}, ""},
                                         User{"4294967294", 4294967294, ""}));

TEST(ImageInfo, IsJson) {
  dockerapi::ImageDetails details;
  details.id = kId;
  details.architecture = "arm64";
  details.os = "linux";
  details.user = "me";
  details.environment = {"A=ö"};
  details.entrypoint = {"/e"};
  details.command = {"c"};
  details.working_dir = "/w";
  details.labels = {{"l", "1"}};
  details.stop_signal = "SIGINT";
  const nlohmann::json config = {
      {"User", "me"},       {"Env", {"A=ö"}},         {"Entrypoint", {"/e"}},  {"Cmd", {"c"}},
      {"WorkingDir", "/w"}, {"Labels", {{"l", "1"}}}, {"StopSignal", "SIGINT"}};
  const nlohmann::json spec = {{"architecture", "arm64"}, {"os", "linux"}, {"config", config}};
  EXPECT_EQ(nlohmann::json::parse(ImageInfo(details)),
            (nlohmann::json{{"id", kId}, {"imageSpec", spec}}));
  // On one line, and readable.
  EXPECT_THAT(ImageInfo(details), HasSubstr("A=ö"));
  EXPECT_THAT(ImageInfo(details), testing::Not(HasSubstr("\n")));
  details.environment = {"A=\xff"};
  EXPECT_THAT(ImageInfo(details), HasSubstr("A=\xef\xbf\xbd"));
}

bool FilterMatches(const std::string& wanted) {
  runtime::v1::ImageFilter filter;
  filter.mutable_image()->set_image(wanted);
  return Matches(filter, ToImage(Details(), ""));
}

TEST(ImageFilter, Matches) {
  for (const std::string& wanted :
       {std::string(), kId, kDigits, std::string("0123456789ab"), std::string("sha256:0123"),
        std::string("busybox"), std::string("docker.io/library/busybox:latest"),
        std::string("registry.io/app"), std::string("registry.io/app:1"),
        "registry.io/app@" + kDigest}) {
    EXPECT_TRUE(FilterMatches(wanted)) << wanted;
  }
}

TEST(ImageFilter, ARepositoryByEitherName) {
  auto details = Details();
  details.repo_tags.clear();
  runtime::v1::ImageFilter filter;
  filter.mutable_image()->set_image("busybox");
  EXPECT_TRUE(Matches(filter, ToImage(details, "")));
  details = Details();
  details.repo_digests.clear();
  EXPECT_TRUE(Matches(filter, ToImage(details, "")));
}

TEST(ImageFilter, DoesNotMatch) {
  for (const std::string& wanted :
       {std::string("busybox:1"), std::string("registry.io/app:2"), std::string("app"),
        std::string("abc"), std::string("NOT VALID"), "other.io/app@" + kDigest}) {
    EXPECT_FALSE(FilterMatches(wanted)) << wanted;
  }
}

TEST(ImageOfContainer, ByTheNameThatThePodsAuthorUsed) {
  auto asked = Spec(kId);
  EXPECT_EQ(ImageOfContainer(asked, "busybox:1").image(), kId);
  asked.set_user_specified_image("busybox");
  EXPECT_EQ(ImageOfContainer(asked, "busybox:1").image(), "busybox");
  EXPECT_EQ(ImageOfContainer(Spec(""), "built:1").image(), "built:1");
}

std::string FolderOf(bool containerd_store, const std::string& existing) {
  dockerapi::EngineInfo info;
  info.root_dir = "/data/docker";
  dockerapi::EngineFeatures features;
  features.containerd_image_store = containerd_store;
  return ImageFolder(info, features, [&](const std::string& path) {
    return existing.find(path + ";") != std::string::npos;
  });
}

TEST(ImageFolder, WhereTheStoreIs) {
  EXPECT_EQ(FolderOf(false, "/var/lib/containerd;"), "/data/docker");
  EXPECT_EQ(FolderOf(true, "/var/lib/containerd;"), "/var/lib/containerd");
  EXPECT_EQ(FolderOf(true, "/var/lib/containerd;/data/docker/containerd/daemon;"), "/data/docker");
  EXPECT_EQ(FolderOf(true, ""), "/data/docker");
}

stats::StoreLayout LayoutOf(bool containerd_store, const std::string& driver,
                            const std::string& existing) {
  dockerapi::EngineInfo info;
  info.root_dir = "/data/docker";
  info.storage_driver = driver;
  dockerapi::EngineFeatures features;
  features.containerd_image_store = containerd_store;
  return ImageStoreLayout(info, features, [&](const std::string& path) {
    return existing.find(path + ";") != std::string::npos;
  });
}

TEST(ImageStoreLayout, WhereTheLayersAre) {
  EXPECT_EQ(LayoutOf(false, "overlay2", ""),
            (stats::StoreLayout{"/data/docker", "/data/docker/overlay2", ""}));
  EXPECT_EQ(LayoutOf(false, "vfs", ""),
            (stats::StoreLayout{"/data/docker", "/data/docker/vfs/dir", ""}));
  const std::string own = "/data/docker/containerd/daemon";
  EXPECT_EQ(
      LayoutOf(true, "overlayfs", own + ";"),
      (stats::StoreLayout{"/data/docker", own + "/io.containerd.snapshotter.v1.overlayfs/snapshots",
                          own + "/io.containerd.content.v1.content/blobs"}));
  const std::string shared = "/var/lib/containerd";
  EXPECT_EQ(
      LayoutOf(true, "overlayfs", shared + ";"),
      (stats::StoreLayout{shared, shared + "/io.containerd.snapshotter.v1.overlayfs/snapshots",
                          shared + "/io.containerd.content.v1.content/blobs"}));
}

}  // namespace
}  // namespace dockershimd::shim::translate
