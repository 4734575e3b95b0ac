#include "shim/linux/process_identity.h"

#include <signal.h>

#include <cerrno>
#include <sstream>
#include <string>

#include "base/file.h"

namespace dockershimd::shim::linuxos {

base::Result<ProcessIdentity> IdentityOf(int pid, const std::filesystem::path& proc) {
  const auto status = base::ReadFile(proc / std::to_string(pid) / "status");
  if (!status) return base::Fail(status.error());
  ProcessIdentity identity;
  std::istringstream lines(*status);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream fields(line);
    std::string name;
    fields >> name;
    if (name == "Uid:") fields >> identity.uid;
    if (name == "Gid:") fields >> identity.gid;
    if (name != "Groups:") continue;
    for (std::int64_t group = 0; fields >> group;) identity.groups.push_back(group);
  }
  return identity;
}

bool ProcessExists(int pid) { return ::kill(pid, 0) == 0 || errno == EPERM; }

}  // namespace dockershimd::shim::linuxos
