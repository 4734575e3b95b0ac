#include "shim/check/machine.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/unique_fd.h"
#include "temporary_folder.h"

namespace dockershimd::shim::check {
namespace {

using testsupport::TemporaryFolder;

constexpr const char* kLegacy =
    "#subsys_name\thierarchy\tnum_cgroups\tenabled\n"
    "cpuset\t2\t10\t1\ncpu\t3\t10\t1\nmemory\t4\t10\t1\npids\t5\t10\t1\n";

/// A machine that lacks nothing.
void WriteGood(const TemporaryFolder& root) {
  root.Write("proc/cgroups", kLegacy);
  root.Write("proc/sys/net/ipv4/ip_forward", "1\n");
  root.Write("proc/sys/net/bridge/bridge-nf-call-iptables", "1\n");
  root.Write("proc/self/mountinfo", "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n");
}

std::vector<Verdict> Verdicts(const TemporaryFolder& root) {
  std::vector<Verdict> verdicts;
  for (const auto& finding : LookAtKernel(root.Path())) verdicts.push_back(finding.verdict);
  return verdicts;
}

constexpr auto kOk = Verdict::kOk;
constexpr auto kWarn = Verdict::kWarn;
constexpr auto kFail = Verdict::kFail;

TEST(Kernel, Good) {
  const TemporaryFolder root;
  WriteGood(root);
  EXPECT_EQ(Verdicts(root), (std::vector{kOk, kOk, kOk, kOk}));
}

TEST(Kernel, NothingOfIt) {
  EXPECT_EQ(Verdicts(TemporaryFolder()), (std::vector{kFail, kWarn, kWarn, kWarn}));
}

TEST(Kernel, OneHierarchyForAll) {
  const TemporaryFolder root;
  WriteGood(root);
  root.Write("proc/cgroups", "memory\t0\t10\t1\n");
  root.Write("sys/fs/cgroup/cgroup.controllers", "cpuset cpu io memory pids\n");
  EXPECT_EQ(Verdicts(root)[0], kOk);
}

TEST(Kernel, MemoryTurnedOffAtBoot) {
  const TemporaryFolder root;
  WriteGood(root);
  root.Write("proc/cgroups", "cpuset 2 1 1\ncpu 3 1 1\nmemory 0 1 0\npids 5 1 1\n");
  const auto finding = LookAtKernel(root.Path())[0];
  EXPECT_EQ(finding.verdict, kFail);
  EXPECT_EQ(finding.found, "missing: memory");
}

TEST(Kernel, PrivateRoot) {
  const TemporaryFolder root;
  WriteGood(root);
  root.Write("proc/self/mountinfo",
             "22 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw\n"
             "23 22 0:5 / /run rw shared:2 - tmpfs tmpfs rw\n");
  EXPECT_EQ(Verdicts(root)[3], kWarn);
}

TEST(Port, FreeOrTaken) {
  const base::UniqueFd taken(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  ASSERT_EQ(::bind(taken.Get(), reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(::listen(taken.Get(), 1), 0);
  ::getsockname(taken.Get(), reinterpret_cast<sockaddr*>(&address), &size);
  const auto text = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
  ASSERT_EQ(LookAtPort("x", text).size(), 1U);
  EXPECT_EQ(LookAtPort("x", text)[0].verdict, kFail);
  EXPECT_NE(LookAtPort("x", text)[0].found.find(text), std::string::npos);
  EXPECT_TRUE(LookAtPort("x", "127.0.0.1:0").empty());
  EXPECT_TRUE(LookAtPort("x", "").empty());
}

TEST(Disk, AsKubeletCounts) {
  constexpr std::uint64_t kGiB = 1ULL << 30;
  EXPECT_EQ(JudgeDisk("/d", {100 * kGiB, 50 * kGiB, 1000, 500}).verdict, kOk);
  EXPECT_EQ(JudgeDisk("/d", {100 * kGiB, 14 * kGiB, 1000, 500}).verdict, kWarn);
  EXPECT_EQ(JudgeDisk("/d", {100 * kGiB, 50 * kGiB, 1000, 40}).verdict, kWarn);
  EXPECT_EQ(JudgeDisk("/d", {100 * kGiB, 50 * kGiB, 0, 0}).verdict, kOk);  // btrfs
  EXPECT_EQ(JudgeDisk("/d", {100 * kGiB, 50 * kGiB, 0, 0}).found, "/d: 50.0 of 100.0 GiB free");
  EXPECT_TRUE(LookAtDisk("/nonexistent").empty());
  EXPECT_EQ(LookAtDisk("/").size(), 1U);
}

}  // namespace
}  // namespace dockershimd::shim::check
