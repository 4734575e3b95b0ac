#include "shim/node/image_catalog.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fake_docker.h"

namespace dockershimd::shim::node {
namespace {

using base::CallContext;
using base::Code;

const std::string kId = "sha256:" + std::string(64, 'a');
const std::string kOther = "sha256:" + std::string(63, 'a') + "b";

class ImageCatalogTest : public testing::Test {
 protected:
  ImageCatalogTest() : docker_({.socket_path = fake_.Socket()}), catalog_(docker_, "r.io/pause:1") {
    fake_.PutImage({.id = kId, .tags = {"busybox:1", "r.io/pause:1"}});
  }

  static CallContext Limit() { return CallContext::WithTimeout(std::chrono::seconds(20)); }

  std::string Find(const std::string& reference) {
    const auto image = catalog_.Images()->Find(reference);
    return image ? image->details.id : "";
  }

  testsupport::FakeDocker fake_;
  dockerapi::Client docker_;
  ImageCatalog catalog_;
};

TEST_F(ImageCatalogTest, NothingBeforeTheFirstLook) { EXPECT_EQ(catalog_.Images(), nullptr); }

TEST_F(ImageCatalogTest, FoundByAnyNameAndId) {
  ASSERT_TRUE(catalog_.Rebuild(Limit()));
  for (const std::string& reference :
       {std::string("busybox:1"), std::string("docker.io/library/busybox:1"), kId,
        kId.substr(7, 12), kId.substr(0, 20)}) {
    EXPECT_EQ(Find(reference), kId) << reference;
  }
  for (const char* reference : {"busybox", "busybox:2", "abc", "NOT VALID", ""}) {
    EXPECT_EQ(Find(reference), "") << reference;
  }
}

TEST_F(ImageCatalogTest, ANameBeforeABeginningOfAnId) {
  fake_.PutImage({.id = kOther, .tags = {"aaaa:latest"}});
  ASSERT_TRUE(catalog_.Rebuild(Limit()));
  EXPECT_EQ(Find("aaaa"), kOther);
  EXPECT_EQ(Find("aaa"), "");  // the beginning of two
}

TEST_F(ImageCatalogTest, WhatCriShows) {
  ASSERT_TRUE(catalog_.Rebuild(Limit()));
  const auto record = catalog_.Images()->Find(kId);
  EXPECT_TRUE(record->image.pinned());
  EXPECT_EQ(record->image.uid().value(), 1000);
  EXPECT_EQ(record->row, record->image.SerializeAsString());
}

TEST_F(ImageCatalogTest, LooksOnlyAtWhatIsNew) {
  ASSERT_TRUE(catalog_.Rebuild(Limit()));
  const auto before = catalog_.Images();
  ASSERT_TRUE(catalog_.Rebuild(Limit()));
  EXPECT_EQ(fake_.image_inspects, 1);
  fake_.PutImage({.id = kOther, .tags = {"busybox:1"}});
  fake_.PutImage({.id = kId, .tags = {"r.io/pause:1"}});
  ASSERT_TRUE(catalog_.Rebuild(Limit()));
  EXPECT_EQ(fake_.image_inspects, 3);
  EXPECT_EQ(Find("busybox:1"), kOther);
  // Whoever holds the images of before still has them.
  EXPECT_EQ(before->Find("busybox:1")->details.id, kId);
}

TEST_F(ImageCatalogTest, AfterAFailureItIsNotKnown) {
  ASSERT_TRUE(catalog_.Rebuild(Limit()));
  const auto now = SteadyNow();
  EXPECT_TRUE(catalog_.IsNewerThan(now - 20'000'000'000));
  fake_.images_fail = true;
  EXPECT_EQ(catalog_.Rebuild(Limit()).error().code, Code::kInternal);
  EXPECT_EQ(catalog_.Images(), nullptr);
  EXPECT_FALSE(catalog_.IsNewerThan(now - 20'000'000'000));
}

TEST_F(ImageCatalogTest, WhoeverAsksAfterAFailureReadsThem) {
  fake_.images_fail = true;
  EXPECT_EQ(catalog_.KnownImages(Limit()).error().code, Code::kInternal);
  fake_.images_fail = false;
  ASSERT_TRUE(catalog_.KnownImages(Limit()));
  fake_.images_fail = true;
  EXPECT_FALSE(catalog_.Rebuild(Limit()));
  fake_.images_fail = false;
  const auto images = catalog_.KnownImages(Limit());
  ASSERT_TRUE(images) << images.error().message;
  EXPECT_NE((*images)->Find("busybox:1"), nullptr);
  EXPECT_EQ(catalog_.Images(), *images);
  EXPECT_EQ(fake_.image_inspects, 1) << "what was known of an image is so still";
}

}  // namespace
}  // namespace dockershimd::shim::node
