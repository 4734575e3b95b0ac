#include "shim/service/pod_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/file.h"

namespace dockershimd::shim::service {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

class PodFilesTest : public testing::Test {
 protected:
  PodFilesTest() {
    std::string name = fs::temp_directory_path() / "pod-files.XXXXXX";
    folder_ = ::mkdtemp(name.data());
    sandbox_.details.id = "s1";
    sandbox_.details.spec.hostname = "web";
    sandbox_.details.spec.network_disabled = true;
    sandbox_.network.ips = {"10.1.2.3", "fd00::3"};
    runtime::v1::PodSandboxConfig config;
    config.mutable_dns_config()->add_servers("10.96.0.10");
    sandbox_.config = config;
  }
  ~PodFilesTest() override { fs::remove_all(folder_); }

  std::string Text(const std::string& name) const {
    return base::ReadFile(folder_ / "s1" / name).value_or("none");
  }
  static std::vector<std::string> Targets(const runtime::v1::ContainerConfig& config) {
    std::vector<std::string> targets;
    for (const auto& mount : config.mounts()) targets.push_back(mount.container_path());
    return targets;
  }

  fs::path folder_;
  translate::SandboxRecord sandbox_;
};

TEST_F(PodFilesTest, WhatAContainerFindsInEtc) {
  const PodFiles files(folder_);
  ASSERT_TRUE(files.Write(sandbox_));
  EXPECT_EQ(Text("hostname"), "web\n");
  EXPECT_EQ(Text("resolv.conf"), "nameserver 10.96.0.10\n");
  EXPECT_THAT(Text("hosts"), HasSubstr("127.0.0.1\tlocalhost\n"));
  EXPECT_THAT(Text("hosts"), HasSubstr("10.1.2.3\tweb\nfd00::3\tweb\n"));
  struct stat before {};
  struct stat after {};
  ::stat((folder_ / "s1" / "hosts").c_str(), &before);
  EXPECT_EQ(before.st_mode & 0777U, 0644U) << "every user of a container reads them";
  ASSERT_TRUE(files.Write(sandbox_));
  ::stat((folder_ / "s1" / "hosts").c_str(), &after);
  EXPECT_EQ(before.st_ino, after.st_ino) << "containers have it mounted";
}

TEST_F(PodFilesTest, WithoutDnsSettingsAsOnTheHost) {
  sandbox_.config = runtime::v1::PodSandboxConfig();
  ASSERT_TRUE(PodFiles(folder_).Write(sandbox_));
  EXPECT_EQ(Text("resolv.conf"), base::ReadFile("/etc/resolv.conf").value());
}

TEST_F(PodFilesTest, MountsWhereTheContainerHasNone) {
  const PodFiles files(folder_);
  runtime::v1::ContainerConfig config;
  config.add_mounts()->set_container_path("/etc/hosts");
  ASSERT_TRUE(files.AddMounts(sandbox_, &config));
  EXPECT_THAT(Targets(config), ElementsAre("/etc/hosts", "/etc/hostname", "/etc/resolv.conf"));
  EXPECT_EQ(config.mounts(1).host_path(), (folder_ / "s1" / "hostname").string());
  EXPECT_FALSE(config.mounts(1).readonly());
  EXPECT_EQ(Text("hostname"), "web\n") << "written where they are not there";
  EXPECT_EQ(Text("hosts"), "none");

  runtime::v1::ContainerConfig read_only;
  read_only.mutable_linux()->mutable_security_context()->set_readonly_rootfs(true);
  ASSERT_TRUE(files.AddMounts(sandbox_, &read_only));
  for (const auto& mount : read_only.mounts()) EXPECT_TRUE(mount.readonly());
}

TEST_F(PodFilesTest, NothingWhereDockerMakesThem) {
  sandbox_.details.spec.network_disabled = false;
  const PodFiles files(folder_);
  runtime::v1::ContainerConfig config;
  ASSERT_TRUE(files.Write(sandbox_));
  ASSERT_TRUE(files.AddMounts(sandbox_, &config));
  EXPECT_EQ(config.mounts_size(), 0);
  EXPECT_TRUE(fs::is_empty(folder_));
}

TEST_F(PodFilesTest, GoWithTheirSandbox) {
  const PodFiles files(folder_);
  const auto make = [&](const std::string& id, bool old) {
    sandbox_.details.id = id;
    ASSERT_TRUE(files.Write(sandbox_));
    if (old) {
      fs::last_write_time(folder_ / id, fs::file_time_type::clock::now() - std::chrono::hours(1));
    }
  };
  make("gone", true);
  make("valid", true);
  make("new", false);
  files.RemoveLeftovers({"valid"});
  EXPECT_FALSE(fs::exists(folder_ / "gone"));
  EXPECT_TRUE(fs::exists(folder_ / "valid"));
  EXPECT_TRUE(fs::exists(folder_ / "new")) << "whoever lists the sandboxes may not know it yet";
  files.Remove("new");
  files.Remove("new");
  EXPECT_FALSE(fs::exists(folder_ / "new"));
}

}  // namespace
}  // namespace dockershimd::shim::service
