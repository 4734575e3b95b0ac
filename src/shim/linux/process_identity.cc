#include "shim/linux/process_identity.h"

#include <signal.h>

#include <cerrno>
#include <string>
#include <string_view>

#include "base/file.h"
#include "shim/linux/text_fields.h"

namespace dockershimd::shim::linuxos {

base::Result<ProcessIdentity> IdentityOf(int pid, const std::filesystem::path& proc) {
  const auto status = base::ReadFile(proc / std::to_string(pid) / "status");
  if (!status) return base::Fail(status.error());
  ProcessIdentity identity;
  std::string_view text = *status;
  while (auto line = TakeLine(text)) {
    const auto name = TakeWord(*line);
    const auto next = [&] { return ParseNumber<std::int64_t>(TakeWord(*line)); };
    if (name == "Uid:") identity.uid = next().value_or(0);
    if (name == "Gid:") identity.gid = next().value_or(0);
    if (name != "Groups:") continue;
    while (const auto group = next()) identity.groups.push_back(*group);
  }
  return identity;
}

bool ProcessExists(int pid) { return ::kill(pid, 0) == 0 || errno == EPERM; }

}  // namespace dockershimd::shim::linuxos
