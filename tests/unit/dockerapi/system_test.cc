#include "dockerapi/system.h"

#include <gtest/gtest.h>

namespace dockershimd::dockerapi {
namespace {

TEST(ApiVersion, ParsesOnlyVersions) {
  EXPECT_EQ(ApiVersion::Parse("1.41"), (ApiVersion{1, 41}));
  EXPECT_EQ(ApiVersion::Parse("10.0"), (ApiVersion{10, 0}));
  for (const auto* text : {"", "1", "1.", ".4", "1.41.1", "v1.41", "1.x", "1,41", " 1.41", "1.41 ",
                           "99999999999.1", "1.99999999999"}) {
    EXPECT_FALSE(ApiVersion::Parse(text)) << text;
  }
}

TEST(ApiVersion, IsOrderedAsNumbers) {
  EXPECT_LT((ApiVersion{1, 9}), (ApiVersion{1, 41}));
  EXPECT_LT((ApiVersion{1, 56}), (ApiVersion{2, 0}));
  EXPECT_EQ((ApiVersion{1, 41}).ToString(), "1.41");
}

TEST(EngineFeatures, ComeWithTheApi) {
  const auto oldest = FeaturesOf(kOldestApi, {});
  EXPECT_FALSE(oldest.cgroupns_mode || oldest.annotations || oldest.recursive_read_only ||
               oldest.volume_subpath || oldest.image_mounts || oldest.cdi);
  const auto middle = FeaturesOf({1, 43}, {});
  EXPECT_TRUE(middle.cgroupns_mode && middle.annotations);
  EXPECT_FALSE(middle.recursive_read_only || middle.volume_subpath || middle.image_mounts);
  EngineInfo info;
  info.kernel_version = "6.1.0-30-amd64";
  const auto newest = FeaturesOf(kNewestApi, info);
  EXPECT_TRUE(newest.cgroupns_mode && newest.annotations && newest.recursive_read_only &&
              newest.volume_subpath && newest.image_mounts);
}

TEST(EngineFeatures, RecursiveReadOnlyNeedsTheKernelToo) {
  const auto is_there = [](const std::string& kernel, ApiVersion api = {1, 44}) {
    EngineInfo info;
    info.kernel_version = kernel;
    return FeaturesOf(api, info).recursive_read_only;
  };
  EXPECT_TRUE(is_there("5.12") && is_there("5.12-rc1") && is_there("5.15.0-1-generic") &&
              is_there("6.0"));
  EXPECT_FALSE(is_there("5.11.22") || is_there("4.19.0-27-amd64") || is_there("") ||
               is_there("5") || is_there("x.y"));
  EXPECT_FALSE(is_there("6.1", {1, 43}));
}

TEST(EngineFeatures, ComeWithTheEngine) {
  EngineInfo info;
  info.security_options = {"apparmor", "name=seccomp,profile=default", "name=selinuxfoo"};
  info.storage_driver_status = {{"Backing", "x"}, {"driver-type", "io.containerd.snapshotter.v1"}};
  info.cgroup_driver = "systemd";
  info.cgroup_version = "2";
  info.cdi_spec_dirs = {"/etc/cdi"};
  const auto features = FeaturesOf({1, 44}, info);
  EXPECT_TRUE(features.apparmor && features.seccomp && features.containerd_image_store);
  EXPECT_TRUE(features.cgroup_v2 && features.systemd_cgroups && features.cdi);
  EXPECT_FALSE(features.selinux);
  EXPECT_FALSE(FeaturesOf({1, 44}, {}).containerd_image_store);
}

}  // namespace
}  // namespace dockershimd::dockerapi
