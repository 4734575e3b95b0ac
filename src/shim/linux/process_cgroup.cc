#include "shim/linux/process_cgroup.h"

#include <sstream>
#include <string_view>

#include "base/file.h"

namespace dockershimd::shim::linuxos {
namespace {

using base::Code;
using base::Fail;

bool Contains(std::string_view list, std::string_view wanted) {
  while (true) {
    const auto end = list.find(',');
    if (list.substr(0, end) == wanted) return true;
    if (end == std::string_view::npos) return false;
    list.remove_prefix(end + 1);
  }
}

}  // namespace

base::Result<std::filesystem::path> CgroupFolder(int pid, const std::string& controller,
                                                 const std::filesystem::path& proc,
                                                 const std::filesystem::path& cgroups) {
  const auto text = base::ReadFile(proc / std::to_string(pid) / "cgroup");
  if (!text) return Fail(text.error());
  const bool is_unified = std::filesystem::exists(cgroups / "cgroup.controllers");
  std::istringstream lines(*text);
  // "<hierarchy>:<controllers>:<path>"; the unified hierarchy has number 0 and no controllers.
  for (std::string line; std::getline(lines, line);) {
    const auto first = line.find(':');
    const auto second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const std::string path = line.substr(second + 1);
    if (is_unified && controllers.empty()) return cgroups / path.substr(1);
    if (!is_unified && Contains(controllers, controller)) {
      return cgroups / controller / path.substr(1);
    }
  }
  return Fail(Code::kNotFound, "process {} has no cgroup for '{}'", pid, controller);
}

}  // namespace dockershimd::shim::linuxos
