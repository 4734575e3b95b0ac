#include "shim/translate/resources.h"

#include <gmock/gmock.h>

#include "cases.h"

namespace dockershimd::shim::translate {
namespace {

using base::Code;
using runtime::v1::LinuxContainerResources;
using testing::ElementsAreArray;
using testing::HasSubstr;
using testing::IsEmpty;
using namespace testing_support;

LinuxContainerResources Cri(const std::string& text) {
  return Parse<LinuxContainerResources>(text);
}

TEST(Resources, ToDocker) {
  const auto docker = ToDockerResources(
      Cri("cpu_period: 100000 cpu_quota: 50000 cpu_shares: 512 memory_limit_in_bytes: 1000 "
          "memory_swap_limit_in_bytes: 3000 cpuset_cpus: '0-1' cpuset_mems: '0'"));
  ASSERT_TRUE(docker);
  EXPECT_EQ(docker->cpu_period_us, 100000);
  EXPECT_EQ(docker->cpu_quota_us, 50000);
  EXPECT_EQ(docker->cpu_shares, 512);
  EXPECT_EQ(docker->memory_bytes, 1000);
  EXPECT_EQ(docker->memory_swap_bytes, 3000);
  EXPECT_EQ(docker->cpuset_cpus, "0-1");
  EXPECT_EQ(docker->cpuset_mems, "0");
  EXPECT_FALSE(docker->pids_limit);
}

TEST(Resources, Swap) {
  const auto swap = [](const std::string& text) {
    return ToDockerResources(Cri(text))->memory_swap_bytes;
  };
  EXPECT_EQ(swap(""), 0);
  EXPECT_EQ(swap("memory_limit_in_bytes: 1000"), 1000);
  EXPECT_EQ(swap("memory_limit_in_bytes: 1000 memory_swap_limit_in_bytes: 1000"), 1000);
  EXPECT_EQ(swap("memory_limit_in_bytes: 1000 memory_swap_limit_in_bytes: -1"), -1);
  EXPECT_EQ(swap("memory_limit_in_bytes: 1 memory_swap_limit_in_bytes: 2"), 2);
  EXPECT_EQ(swap("memory_swap_limit_in_bytes: -1"), -1);
}

TEST(Resources, Refused) {
  const std::vector<std::pair<std::string, std::string>> rows = {
      {"memory_swap_limit_in_bytes: 1", "memory_swap_limit_in_bytes: 1"},
      {"memory_swap_limit_in_bytes: 5", "memory_swap_limit_in_bytes: 5"},
      {"memory_limit_in_bytes: 10 memory_swap_limit_in_bytes: 9", "memory_swap_limit_in_bytes: 9"},
      {"oom_score_adj: 1001", "oom_score_adj: 1001"},
      {"oom_score_adj: -1001", "oom_score_adj: -1001"},
  };
  for (const auto& [text, message] : rows) {
    const auto docker = ToDockerResources(Cri(text));
    ASSERT_FALSE(docker) << text;
    EXPECT_EQ(docker.error().code, Code::kInvalidArgument);
    EXPECT_THAT(docker.error().message, HasSubstr(message));
  }
  EXPECT_TRUE(ToDockerResources(Cri("oom_score_adj: 1000")));
  EXPECT_TRUE(ToDockerResources(Cri("oom_score_adj: -1000")));
}

std::vector<std::string> Files(const std::string& text, const EngineView& engine) {
  const auto files = CgroupFilesOf(Cri(text), engine);
  if (!files) return {files.error().message};
  std::vector<std::string> lines;
  for (const auto& file : *files) {
    lines.push_back(fmt::format("{} {}={}{}", file.is_hugetlb ? "hugetlb" : "any", file.name,
                                file.value, file.is_optional ? " optional" : ""));
  }
  return lines;
}

TEST(CgroupFiles, HugePages) {
  const std::string text =
      "hugepage_limits { page_size: '2MB' limit: 4194304 } hugepage_limits { page_size: '1GB' }";
  EXPECT_THAT(Files(text, OldEngine()),
              ElementsAreArray({"hugetlb hugetlb.2MB.limit_in_bytes=4194304 optional",
                                "hugetlb hugetlb.2MB.rsvd.limit_in_bytes=4194304 optional",
                                "hugetlb hugetlb.1GB.limit_in_bytes=0 optional",
                                "hugetlb hugetlb.1GB.rsvd.limit_in_bytes=0 optional"}));
  EXPECT_THAT(Files("hugepage_limits { page_size: '2MB' limit: 5 }", NewEngine()),
              ElementsAreArray({"hugetlb hugetlb.2MB.max=5 optional",
                                "hugetlb hugetlb.2MB.rsvd.max=5 optional"}));
}

TEST(CgroupFiles, Unified) {
  EXPECT_THAT(Files("", NewEngine()), IsEmpty());
  EXPECT_THAT(Files("unified { key: 'memory.oom.group' value: '1' }"
                    "unified { key: 'cpu.weight' value: '7' }",
                    NewEngine()),
              ElementsAreArray({"any cpu.weight=7", "any memory.oom.group=1"}));
}

TEST(CgroupFiles, Refused) {
  const auto refused = [](const std::string& text, const EngineView& engine, Code code,
                          const std::string& message) {
    const auto files = CgroupFilesOf(Cri(text), engine);
    ASSERT_FALSE(files) << text;
    EXPECT_EQ(files.error().code, code) << text;
    EXPECT_THAT(files.error().message, HasSubstr(message));
  };
  refused("unified { key: 'memory.high' value: '1' }", OldEngine(), Code::kFailedPrecondition,
          "resources.unified[memory.high]: this engine runs on cgroup v1");
  refused("unified { key: '../x.y' }", NewEngine(), Code::kInvalidArgument, "unified[../x.y]");
  refused("unified { key: 'tasks' }", NewEngine(), Code::kInvalidArgument, "unified[tasks]");
  refused("hugepage_limits { page_size: '../B' }", NewEngine(), Code::kInvalidArgument,
          "hugepage_limits: '../B'");
  refused("hugepage_limits { page_size: '2M' }", NewEngine(), Code::kInvalidArgument, "'2M'");
  refused("hugepage_limits {}", NewEngine(), Code::kInvalidArgument, "''");
}

TEST(Resources, FromDocker) {
  const dockerapi::Resources limits{.memory_bytes = 1,
                                    .memory_swap_bytes = 2,
                                    .cpu_shares = 3,
                                    .cpu_period_us = 4,
                                    .cpu_quota_us = 5,
                                    .cpuset_cpus = "6",
                                    .cpuset_mems = "7",
                                    .pids_limit = {}};
  const auto shown =
      FromDockerResources(limits, 8,
                          Cri("cpu_shares: 99 hugepage_limits { page_size: '2MB' limit: 9 }"
                              "unified { key: 'a.b' value: 'c' }"));
  EXPECT_EQ(Text(shown),
            Text(Cri("memory_limit_in_bytes: 1 memory_swap_limit_in_bytes: 2 cpu_shares: 3 "
                     "cpu_period: 4 cpu_quota: 5 cpuset_cpus: '6' cpuset_mems: '7' "
                     "oom_score_adj: 8 hugepage_limits { page_size: '2MB' limit: 9 }"
                     "unified { key: 'a.b' value: 'c' }")));
}

}  // namespace
}  // namespace dockershimd::shim::translate
