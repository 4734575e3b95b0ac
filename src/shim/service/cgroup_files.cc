#include "shim/service/cgroup_files.h"

#include "base/file.h"
#include "shim/linux/process_cgroup.h"

namespace dockershimd::shim::service {

using base::Code;
using base::Fail;

base::Status WriteCgroupFiles(int pid, const std::vector<translate::CgroupFile>& files,
                              const std::filesystem::path& proc,
                              const std::filesystem::path& cgroups) {
  for (const auto& file : files) {
    const auto folder = linuxos::CgroupFolder(pid, file.controller, proc, cgroups);
    auto written = folder ? base::WriteFileInPlace(*folder / file.name, file.value)
                          : base::Status(Fail(folder.error()));
    if (written || (file.is_optional && written.error().code == Code::kNotFound)) continue;
    if (!std::filesystem::exists(proc / std::to_string(pid))) return {};
    return Fail(written.error(), "resources: set " + file.name);
  }
  return {};
}

}  // namespace dockershimd::shim::service
