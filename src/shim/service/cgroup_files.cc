#include "shim/service/cgroup_files.h"

#include "base/file.h"
#include "shim/linux/cgroup_finder.h"
#include "shim/linux/mount_info.h"

namespace dockershimd::shim::service {
namespace {

using base::Code;
using base::Fail;

base::Status WriteOne(const linuxos::CgroupFolders& folders, const translate::CgroupFile& file) {
  // The container's own hierarchy is v1 as soon as a controller that Docker needs is there.
  const bool is_v1 = !folders.memory.empty() || !folders.cpu.empty();
  const std::string& folder = is_v1 ? folders.hugetlb : folders.unified;
  if (folder.empty()) {
    return Fail(Code::kNotFound, "the kernel has no controller for it");
  }
  return base::WriteFileInPlace(folder + "/" + file.name, file.value);
}

}  // namespace

base::Status WriteCgroupFiles(int pid, const std::string& container_id,
                              const std::vector<translate::CgroupFile>& files,
                              const std::string& root) {
  if (files.empty()) return {};
  const std::string process = fmt::format("{}/proc/{}", root, pid);
  if (!base::ReadFile(process + "/cgroup")) return {};
  const auto folders = linuxos::CgroupFinder(root).Find(pid, container_id);
  if (!folders) return Fail(folders.error(), "resources");
  for (const auto& file : files) {
    const auto written = WriteOne(*folders, file);
    if (written || (file.is_optional && written.error().code == Code::kNotFound)) continue;
    if (!base::ReadFile(process + "/cgroup")) return {};
    return Fail(written.error(), "resources: set " + file.name);
  }
  return {};
}

}  // namespace dockershimd::shim::service
