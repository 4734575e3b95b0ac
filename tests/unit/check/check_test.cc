#include "shim/check/check.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "fake_engine.h"
#include "temporary_folder.h"

namespace dockershimd::shim::check {
namespace {

using testsupport::FakeEngine;

class Check : public testing::Test {
 protected:
  Check() {
    config_.docker = "unix://" + engine_.Socket();
    config_.listen = "unix://" + (root_.Path() / "cri.sock").string();
    config_.cni_conf_dir = root_.Path() / "net.d";
    config_.cni_bin_dir = {root_.Path() / "bin"};
    config_.cni_cache_dir = root_.Path() / "cni";
    engine_.Answer("GET", "/info",
                   R"({"ServerVersion": "20.10", "CgroupDriver": "cgroupfs",
      "CgroupVersion": "2", "Driver": "overlay2", "LoggingDriver": "json-file",
      "DockerRootDir": ")" +
                       root_.Path().string() + R"("})");
    engine_.Answer("GET", "/containers/json", "[]");
  }

  Finding Of(const std::string& subject) {
    const auto findings = CheckNode(config_);
    const auto found = std::find_if(findings.begin(), findings.end(),
                                    [&](const Finding& one) { return one.subject == subject; });
    return found != findings.end() ? *found : Finding{Verdict::kFail, "no such subject", subject};
  }

  testsupport::TemporaryFolder root_;
  FakeEngine engine_;
  config::Config config_;
};

TEST_F(Check, EverythingThatIsWrongSaysWhatToDo) {
  config_.network = "cni";
  config_.sandbox_image = "registry.k8s.io/pause:3.9";
  for (const auto& finding : CheckNode(config_)) {
    EXPECT_EQ(finding.verdict == Verdict::kOk, finding.remedy.empty())
        << finding.subject << ": " << finding.found;
  }
}

TEST_F(Check, AnEngineThatAnswers) {
  EXPECT_EQ(Of("Docker").found, "version 20.10, API 1.41");
  EXPECT_EQ(Of("pods").found, "0 of this runtime");
  EXPECT_EQ(Of("container logs").verdict, Verdict::kWarn);
  EXPECT_EQ(Of("sandbox image").verdict, Verdict::kOk);
}

TEST_F(Check, AnEngineThatDoesNot) {
  engine_.Stop();
  const auto finding = Of("Docker");
  EXPECT_EQ(finding.verdict, Verdict::kFail);
  EXPECT_NE(finding.remedy.find(engine_.Socket()), std::string::npos) << finding.remedy;
}

TEST_F(Check, SandboxImageOfAnotherMake) {
  config_.sandbox_image = "registry.k8s.io/pause:3.9";
  EXPECT_EQ(Of("sandbox image").verdict, Verdict::kWarn);
  engine_.Answer("GET", "/images/*/json", R"({"Id": "sha256:1"})");
  EXPECT_EQ(Of("sandbox image").verdict, Verdict::kOk);
}

TEST_F(Check, Networks) {
  EXPECT_EQ(Of("pod network").verdict, Verdict::kWarn);
  config_.network = "bridge";
  EXPECT_EQ(Of("pod network").verdict, Verdict::kWarn);
  config_.network = "cni";
  EXPECT_EQ(Of("pod network").verdict, Verdict::kFail);
  root_.Write("net.d/10-x.conflist",
              R"({"cniVersion": "1.0.0", "name": "x", "plugins": [{"type": "nonesuch"}]})");
  EXPECT_EQ(Of("pod network").verdict, Verdict::kFail);
  EXPECT_NE(Of("pod network").found.find("nonesuch"), std::string::npos);
}

TEST_F(Check, WhatIsInTheWayOfTheSocket) {
  EXPECT_EQ(Of("CRI socket").verdict, Verdict::kOk);
  root_.Write("cri.sock", "a file");
  EXPECT_EQ(Of("CRI socket").verdict, Verdict::kFail);
}

}  // namespace
}  // namespace dockershimd::shim::check
