#include "shim/linux/cgroup_handle.h"

#include <fcntl.h>

#include <cstdint>
#include <utility>

#include "shim/linux/process_limits.h"

namespace dockershimd::shim::linuxos {

CgroupHandle::CgroupHandle(CgroupFolders folders)
    : folders_(std::move(folders)),
      open_{Open{&CgroupFolders::cpuacct, {}}, Open{&CgroupFolders::memory, {}},
            Open{&CgroupFolders::pids, {}}, Open{&CgroupFolders::unified, {}}} {
  // The other half is for everything else that this process does.
  const auto highest = OpenFileLimit() / 2;
  for (auto& open : open_) {
    if (!Has(open.controller)) continue;
    base::UniqueFd folder(
        ::open((folders_.*open.controller).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (folder && static_cast<std::uint64_t>(folder.Get()) < highest) {
      open.folder = std::move(folder);
    }
  }
}

std::string_view CgroupHandle::Read(SmallFileReader& reader, Controller controller,
                                    const char* name) const {
  if (!Has(controller)) return {};
  for (const auto& open : open_) {
    if (open.controller == controller && open.folder) {
      return reader.ReadIn(open.folder.Get(), name);
    }
  }
  // Not kept open, or too many files are.
  return reader.Read(folders_.*controller + "/" + name);
}

}  // namespace dockershimd::shim::linuxos
