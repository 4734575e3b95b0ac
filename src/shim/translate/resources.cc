#include "shim/translate/resources.h"

#include <algorithm>

namespace dockershimd::shim::translate {
namespace {

using base::Code;
using base::Fail;
using base::Result;
using runtime::v1::LinuxContainerResources;

constexpr int kOomScoreLimit = 1000;

/// Docker says the same, but in its own words: here with CRI's names.
base::Status CheckResources(const LinuxContainerResources& resources) {
  const auto memory = resources.memory_limit_in_bytes();
  const auto swap = resources.memory_swap_limit_in_bytes();
  if (swap > 0 && (memory <= 0 || swap < memory)) {
    return Fail(Code::kInvalidArgument,
                "resources.memory_swap_limit_in_bytes: {} is memory and swap together: it needs a "
                "memory_limit_in_bytes ({}) and cannot be less",
                swap, memory);
  }
  if (resources.oom_score_adj() < -kOomScoreLimit || resources.oom_score_adj() > kOomScoreLimit) {
    return Fail(Code::kInvalidArgument, "resources.oom_score_adj: {} is not between -{} and {}",
                resources.oom_score_adj(), kOomScoreLimit, kOomScoreLimit);
  }
  return {};
}

/// "2MB", "1GB": as the kernel spells it in its file names.
bool IsPageSize(std::string_view text) {
  return text.ends_with("B") &&
         std::ranges::all_of(text, [](unsigned char letter) { return std::isalnum(letter) != 0; });
}

base::Status AddHugepages(const LinuxContainerResources& resources, const EngineView& engine,
                          std::vector<CgroupFile>* files) {
  for (const auto& limit : resources.hugepage_limits()) {
    if (!IsPageSize(limit.page_size())) {
      return Fail(Code::kInvalidArgument,
                  "resources.hugepage_limits: '{}' is not a page size such as 2MB",
                  limit.page_size());
    }
    // The second counts reserved pages, too; older kernels have only the first.
    for (const std::string_view kind : {"", "rsvd."}) {
      files->push_back({true,
                        fmt::format("hugetlb.{}.{}{}", limit.page_size(), kind,
                                    engine.features.cgroup_v2 ? "max" : "limit_in_bytes"),
                        std::to_string(limit.limit()), true});
    }
  }
  return {};
}

base::Status AddUnified(const LinuxContainerResources& resources, const EngineView& engine,
                        std::vector<CgroupFile>* files) {
  // In order, so that the same request always does the same.
  const std::map<std::string, std::string> unified(resources.unified().begin(),
                                                   resources.unified().end());
  for (const auto& [name, value] : unified) {
    if (!engine.features.cgroup_v2) {
      return Fail(Code::kFailedPrecondition,
                  "resources.unified[{}]: this engine runs on cgroup v1, which has no unified "
                  "keys; boot the host with cgroup v2 or remove the key",
                  name);
    }
    if (name.find('/') != std::string::npos || name.find('.') == std::string::npos) {
      return Fail(Code::kInvalidArgument,
                  "resources.unified[{}]: is not a cgroup file such as memory.high", name);
    }
    files->push_back({false, name, value, false});
  }
  return {};
}

}  // namespace

Result<dockerapi::Resources> ToDockerResources(const LinuxContainerResources& resources) {
  if (auto checked = CheckResources(resources); !checked) return Fail(checked.error());
  dockerapi::Resources docker;
  docker.cpu_period_us = resources.cpu_period();
  docker.cpu_quota_us = resources.cpu_quota();
  docker.cpu_shares = resources.cpu_shares();
  docker.cpuset_cpus = resources.cpuset_cpus();
  docker.cpuset_mems = resources.cpuset_mems();
  docker.memory_bytes = resources.memory_limit_in_bytes();
  docker.memory_swap_bytes = resources.memory_swap_limit_in_bytes();
  // Docker's own default lets a container swap as much again as its memory; pods do not swap
  // unless they are told to.
  if (docker.memory_swap_bytes == 0) docker.memory_swap_bytes = docker.memory_bytes;
  return docker;
}

Result<std::vector<CgroupFile>> CgroupFilesOf(const LinuxContainerResources& resources,
                                              const EngineView& engine) {
  std::vector<CgroupFile> files;
  auto added = AddHugepages(resources, engine, &files);
  if (added) added = AddUnified(resources, engine, &files);
  if (!added) return Fail(added.error());
  return files;
}

LinuxContainerResources FromDockerResources(const dockerapi::Resources& limits, int oom_score_adj,
                                            const LinuxContainerResources& asked) {
  LinuxContainerResources resources;
  resources.set_cpu_period(limits.cpu_period_us);
  resources.set_cpu_quota(limits.cpu_quota_us);
  resources.set_cpu_shares(limits.cpu_shares);
  resources.set_cpuset_cpus(limits.cpuset_cpus);
  resources.set_cpuset_mems(limits.cpuset_mems);
  resources.set_memory_limit_in_bytes(limits.memory_bytes);
  resources.set_memory_swap_limit_in_bytes(limits.memory_swap_bytes);
  resources.set_oom_score_adj(oom_score_adj);
  *resources.mutable_hugepage_limits() = asked.hugepage_limits();
  *resources.mutable_unified() = asked.unified();
  return resources;
}

}  // namespace dockershimd::shim::translate
