#include "shim/check/engine.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace dockershimd::shim::check {
namespace {

dockerapi::EngineInfo Good() {
  dockerapi::EngineInfo info;
  info.server_version = "29.0.1";
  info.storage_driver = "overlay2";
  info.cgroup_driver = "systemd";
  info.cgroup_version = "2";
  info.logging_driver = "json-file";
  info.security_options = {"name=seccomp,profile=builtin"};
  info.live_restore = true;
  return info;
}

Finding Of(const std::string& subject, const dockerapi::EngineInfo& info,
           bool systemd_runs = true) {
  const auto findings = JudgeEngine(info, {1, 44}, systemd_runs);
  const auto found = std::find_if(findings.begin(), findings.end(),
                                  [&](const Finding& one) { return one.subject == subject; });
  return found != findings.end() ? *found : Finding{Verdict::kFail, "not found", subject};
}

TEST(JudgeEngine, AGoodOneHasNothingToRemedy) {
  for (const auto& finding : JudgeEngine(Good(), {1, 44}, true)) {
    EXPECT_EQ(finding.verdict, Verdict::kOk) << finding.subject;
    EXPECT_EQ(finding.remedy, "") << finding.subject;
  }
  EXPECT_EQ(Of("Docker", Good()).found, "version 29.0.1, API 1.44");
}

TEST(JudgeEngine, Cgroups) {
  auto info = Good();
  info.cgroup_driver = "none";
  EXPECT_EQ(Of("cgroups", info).verdict, Verdict::kFail);
  info.cgroup_driver = "cgroupfs";
  EXPECT_EQ(Of("cgroups", info, false).verdict, Verdict::kOk);
  EXPECT_EQ(Of("cgroups", info, true).verdict, Verdict::kWarn);
  info.cgroup_version = "";  // engines before API 1.41 do not say it
  EXPECT_EQ(Of("cgroups", info, false).verdict, Verdict::kWarn);
  EXPECT_NE(Of("cgroups", info, false).remedy.find("failCgroupV1"), std::string::npos);
}

TEST(JudgeEngine, WhatHurtsLater) {
  auto info = Good();
  info.live_restore = false;
  info.storage_driver = "vfs";
  info.security_options.clear();
  for (const char* subject : {"live restore", "storage", "seccomp"}) {
    EXPECT_EQ(Of(subject, info).verdict, Verdict::kWarn) << subject;
    EXPECT_NE(Of(subject, info).remedy, "") << subject;
  }
}

TEST(JudgeEngine, PodsHaveALogDriverOfTheirOwn) {
  auto info = Good();
  info.logging_driver = "journald";
  EXPECT_EQ(Of("log driver", info).verdict, Verdict::kOk);
}

}  // namespace
}  // namespace dockershimd::shim::check
