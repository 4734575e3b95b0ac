#include "shim/linux/process_files.h"

#include <filesystem>
#include <string_view>
#include <system_error>

#include "base/file.h"
#include "shim/linux/text_fields.h"

namespace dockershimd::shim::linuxos {
namespace {

namespace fs = std::filesystem;

void CountFiles(const fs::path& folder, ProcessCounters* counters) {
  std::error_code error;
  for (fs::directory_iterator file(folder, error), end; !error && file != end;
       file.increment(error)) {
    ++counters->descriptors;
    // It may have been closed meanwhile.
    std::error_code gone;
    const auto target = fs::read_symlink(file->path(), gone);
    if (!gone && target.native().starts_with("socket:")) ++counters->sockets;
  }
}

void CountIn(const fs::path& cgroup, const std::string& proc_folder, ProcessCounters* counters) {
  const auto pids = base::ReadFile(cgroup / "cgroup.procs");
  if (!pids) return;
  std::string_view text = *pids;
  while (const auto pid = TakeLine(text)) {
    ++counters->processes;
    CountFiles(fs::path(proc_folder) / *pid / "fd", counters);
  }
}

}  // namespace

ProcessCounters CountProcesses(const CgroupFolders& cgroup, const std::string& proc_folder) {
  ProcessCounters counters;
  const std::string& folder = cgroup.pids.empty() ? cgroup.unified : cgroup.pids;
  if (folder.empty()) return counters;
  CountIn(folder, proc_folder, &counters);
  std::error_code error;
  for (fs::recursive_directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    if (entry->is_directory(error)) CountIn(entry->path(), proc_folder, &counters);
  }
  return counters;
}

}  // namespace dockershimd::shim::linuxos
