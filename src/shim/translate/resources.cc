#include "shim/translate/resources.h"

namespace dockershimd::shim::translate {

using base::Code;
using base::Fail;
using runtime::v1::LinuxContainerResources;

base::Result<dockerapi::Resources> ToDockerResources(const LinuxContainerResources& resources,
                                                     const EngineView& engine) {
  if (!resources.unified().empty()) {
    return Fail(Code::kUnimplemented,
                "resources.unified: Docker's API cannot set raw cgroup v2 keys{}; remove '{}'",
                engine.features.cgroup_v2 ? "" : " and this host uses cgroup v1",
                resources.unified().begin()->first);
  }
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

LinuxContainerResources FromDockerResources(const dockerapi::Resources& docker, int oom_score_adj) {
  LinuxContainerResources resources;
  resources.set_cpu_period(docker.cpu_period_us);
  resources.set_cpu_quota(docker.cpu_quota_us);
  resources.set_cpu_shares(docker.cpu_shares);
  resources.set_cpuset_cpus(docker.cpuset_cpus);
  resources.set_cpuset_mems(docker.cpuset_mems);
  resources.set_memory_limit_in_bytes(docker.memory_bytes);
  resources.set_memory_swap_limit_in_bytes(docker.memory_swap_bytes);
  resources.set_oom_score_adj(oom_score_adj);
  return resources;
}

}  // namespace dockershimd::shim::translate
