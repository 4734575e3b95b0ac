#include "shim/linux/namespace_pins.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <optional>

#include "other_namespace.h"
#include "shim/linux/network_namespace.h"

namespace dockershimd::shim::linuxos {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

ino_t Inode(const std::string& path) {
  struct stat about{};
  return ::stat(path.c_str(), &about) == 0 ? about.st_ino : 0;
}

class NamespacePinsTest : public testing::Test {
 protected:
  NamespacePinsTest() {
    std::string name =
        (std::filesystem::temp_directory_path() / "dockershimd-pins.XXXXXX").string();
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
    pins_.emplace(folder_ / "netns");
  }
  ~NamespacePinsTest() override {
    for (const auto& name : pins_->Names()) EXPECT_TRUE(pins_->Release(name));
    std::filesystem::remove_all(folder_);
  }

  std::filesystem::path folder_;
  std::optional<NamespacePins> pins_;
};

TEST_F(NamespacePinsTest, OutlivesTheNamespacesProcesses) {
  std::optional<OtherNamespace> pod(std::in_place);
  const ino_t inode = Inode(pod->Path());
  const auto pin = pins_->Pin("pod-1", pod->Path());
  ASSERT_TRUE(pin) << pin.error().message;
  pod.reset();
  EXPECT_EQ(Inode(*pin), inode);
  EXPECT_EQ(pins_->Find("pod-1"), *pin);
  EXPECT_EQ(NamespacePins(folder_ / "netns").Find("pod-1"), *pin) << "after a restart";
  EXPECT_TRUE(BringLoopbackUp(*pin));
  EXPECT_THAT(pins_->Names(), ElementsAre("pod-1"));
}

TEST_F(NamespacePinsTest, ReleaseLeavesNothingAndMayBeRepeated) {
  ASSERT_TRUE(pins_->Pin("pod-1", "/proc/self/ns/net"));
  EXPECT_TRUE(pins_->Release("pod-1"));
  EXPECT_EQ(pins_->Find("pod-1"), "");
  EXPECT_THAT(pins_->Names(), IsEmpty());
  EXPECT_TRUE(pins_->Release("pod-1"));
}

TEST_F(NamespacePinsTest, ASecondPinReplacesTheFirst) {
  const OtherNamespace pod;
  ASSERT_TRUE(pins_->Pin("pod-1", "/proc/self/ns/net"));
  const auto pin = pins_->Pin("pod-1", pod.Path());
  ASSERT_TRUE(pin) << pin.error().message;
  EXPECT_EQ(Inode(*pin), Inode(pod.Path()));
}

TEST_F(NamespacePinsTest, AFileWithoutItsMountIsNoPin) {
  ASSERT_TRUE(pins_->Pin("pod-1", "/proc/self/ns/net"));
  ASSERT_EQ(::umount2((folder_ / "netns/pod-1").c_str(), MNT_DETACH), 0);
  EXPECT_EQ(pins_->Find("pod-1"), "");
  EXPECT_THAT(pins_->Names(), ElementsAre("pod-1"));
  EXPECT_TRUE(pins_->Pin("pod-1", "/proc/self/ns/net"));
}

TEST_F(NamespacePinsTest, WhatIsNoNamespaceIsRefused) {
  for (const char* path : {"/proc/2147483647/ns/net", "/etc/passwd", ""}) {
    const auto pin = pins_->Pin("pod-1", path);
    ASSERT_FALSE(pin) << path;
    EXPECT_EQ(pin.error().code, base::Code::kNotFound);
  }
  EXPECT_THAT(pins_->Names(), IsEmpty());
}

}  // namespace
}  // namespace dockershimd::shim::linuxos
