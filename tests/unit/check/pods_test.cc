#include "shim/check/pods.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/unique_fd.h"
#include "temporary_folder.h"

namespace dockershimd::shim::check {
namespace {

dockerapi::ContainerSummary Container(dockerapi::Labels labels) {
  dockerapi::ContainerSummary summary;
  summary.labels = std::move(labels);
  return summary;
}

TEST(JudgePods, WhatIsTakenOver) {
  const auto finding = JudgePods(
      {Container({}), Container({{"io.kubernetes.docker.type", "podsandbox"}}),
       Container({{"io.kubernetes.docker.type", "container"}}),
       Container({{"io.kubernetes.docker.type", "container"}}),
       Container({{"io.kubernetes.docker.type", "podsandbox"}, {"io.dockershimd.config", "{}"}}),
       Container({{"io.kubernetes.docker.type", "container"}, {"io.dockershimd.config", "{}"}})});
  EXPECT_EQ(finding.verdict, Verdict::kOk);
  EXPECT_EQ(finding.found,
            "1 of this runtime; 1 pods with 2 containers of dockershim or cri-dockerd, which are "
            "taken over as they run");
}

TEST(JudgePods, None) { EXPECT_EQ(JudgePods({}).found, "0 of this runtime"); }

TEST(LookForRuntimes, OnlyThoseThatListen) {
  const testsupport::TemporaryFolder root;
  root.Write("run/crio/crio.sock", "not a socket");
  EXPECT_TRUE(LookForRuntimes(root.Path()).empty());

  const base::UniqueFd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  (root.Path() / "run/cri-dockerd.sock").string().copy(address.sun_path, 107);
  ASSERT_EQ(::bind(listener.Get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  ASSERT_EQ(::listen(listener.Get(), 1), 0);
  const auto findings = LookForRuntimes(root.Path());
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_TRUE(findings[0].found.starts_with("cri-dockerd serves ")) << findings[0].found;
}

}  // namespace
}  // namespace dockershimd::shim::check
