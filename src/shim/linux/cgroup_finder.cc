#include "shim/linux/cgroup_finder.h"

#include <utility>

#include "base/file.h"

namespace dockershimd::shim::linuxos {
namespace {

using base::Fail;
using base::Result;

Result<std::vector<MountInfo>> CgroupMounts(const std::string& path) {
  const auto text = base::ReadFile(path);
  if (!text) return Fail(text.error());
  auto mounts = ParseMountInfo(*text);
  std::erase_if(mounts, [](const auto& mount) { return !mount.type.starts_with("cgroup"); });
  return mounts;
}

}  // namespace

Result<CgroupFolders> CgroupFinder::Find(int pid, std::string_view container_id) const {
  const auto cgroup = base::ReadFile(fmt::format("{}/proc/{}/cgroup", root_, pid));
  if (!cgroup) return Fail(cgroup.error());
  const auto mounts = mounts_.Lock();
  if (mounts->empty()) {
    auto found = CgroupMounts(root_ + "/proc/self/mountinfo");
    if (!found) return Fail(found.error());
    *mounts = std::move(*found);
  }
  auto folders = ContainerFolders(*cgroup, *mounts, container_id);
  if (!folders) return folders;
  return Below(root_, std::move(*folders));
}

}  // namespace dockershimd::shim::linuxos
