#include "shim/service/resolv_conf.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <string>

#include "base/file.h"

namespace dockershimd::shim::service {
namespace {

/// A root folder of the test's own, with the host's files and the pod's.
class ResolvConf : public testing::Test {
 protected:
  ResolvConf() {
    std::string name = testing::TempDir() + "resolvXXXXXX";
    root_ = mkdtemp(name.data());
    Write("pod", "nameserver 8.8.8.8\n");
  }
  ~ResolvConf() override { std::filesystem::remove_all(root_); }

  void Write(const std::string& path, const std::string& text) {
    const auto file = root_ / path;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }

  /// What the pod's file says then.
  std::string Written(const runtime::v1::DNSConfig& dns) {
    runtime::v1::PodSandboxConfig config;
    *config.mutable_dns_config() = dns;
    translate::SandboxRecord sandbox;
    sandbox.resolv_conf_path = root_ / "pod";
    sandbox.config = translate::Packed<runtime::v1::PodSandboxConfig>(config);
    const auto written = WriteResolvConf(sandbox, root_);
    return written ? base::ReadFile(root_ / "pod").value_or("?") : written.error().message;
  }

  std::filesystem::path root_;
};

TEST_F(ResolvConf, AsThePodAsks) {
  Write("etc/resolv.conf", "nameserver 192.0.2.1\n");
  runtime::v1::DNSConfig dns;
  dns.add_options("ndots:5");
  EXPECT_EQ(Written(dns), "options ndots:5\n");
}

TEST_F(ResolvConf, OtherwiseTheHosts) {
  Write("etc/resolv.conf", "nameserver 127.0.0.1\n");
  EXPECT_EQ(Written({}), "nameserver 127.0.0.1\n");
  Write("etc/resolv.conf", "");
  EXPECT_EQ(Written({}), "");
}

TEST_F(ResolvConf, TheServersBehindSystemdsStub) {
  Write("etc/resolv.conf", "nameserver 127.0.0.53\n");
  EXPECT_EQ(Written({}), "nameserver 127.0.0.53\n");
  Write("run/systemd/resolve/resolv.conf", "nameserver 192.0.2.1\n");
  EXPECT_EQ(Written({}), "nameserver 192.0.2.1\n");
}

TEST_F(ResolvConf, DockersWhereTheHostHasNone) { EXPECT_EQ(Written({}), "nameserver 8.8.8.8\n"); }

}  // namespace
}  // namespace dockershimd::shim::service
