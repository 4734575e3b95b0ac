#include "shim/linux/cgroup_handle.h"

#include <fcntl.h>

#include <algorithm>
#include <cstdint>
#include <utility>

#include "shim/linux/process_limits.h"

namespace dockershimd::shim::linuxos {
namespace {

/// Descriptors are given out from the lowest: their height says how many there are.
constexpr std::uint64_t kHighestFile = 4096;

/// The other half is for everything else that this process does.
std::uint64_t HighestDescriptor() { return OpenFileLimit() / 2; }

bool IsBelow(const base::UniqueFd& fd, std::uint64_t highest) {
  return fd && static_cast<std::uint64_t>(fd.Get()) < highest;
}

}  // namespace

CgroupHandle::CgroupHandle(CgroupFolders folders)
    : folders_(std::move(folders)),
      open_folders_{Folder{&CgroupFolders::cpuacct, {}}, Folder{&CgroupFolders::memory, {}},
                    Folder{&CgroupFolders::pids, {}}, Folder{&CgroupFolders::unified, {}}} {
  for (auto& open : open_folders_) {
    if (!Has(open.controller)) continue;
    base::UniqueFd folder(
        ::open((folders_.*open.controller).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (IsBelow(folder, HighestDescriptor())) open.fd = std::move(folder);
  }
}

std::optional<std::size_t> CgroupHandle::PolledIndex(Controller controller, std::string_view name) {
  struct File {
    Controller controller;
    std::string_view name;
    bool operator==(const File&) const = default;
  };
  static constexpr std::array<File, kPolledFiles> kPolled = {{
      {&CgroupFolders::cpuacct, "cpuacct.usage"},
      {&CgroupFolders::memory, "memory.usage_in_bytes"},
      {&CgroupFolders::memory, "memory.stat"},
      {&CgroupFolders::pids, "pids.current"},
      {&CgroupFolders::unified, "cpu.pressure"},
      {&CgroupFolders::unified, "memory.pressure"},
      {&CgroupFolders::unified, "io.pressure"},
      {&CgroupFolders::unified, "cpu.stat"},
      {&CgroupFolders::unified, "memory.current"},
      {&CgroupFolders::unified, "memory.stat"},
      {&CgroupFolders::unified, "memory.max"},
      {&CgroupFolders::unified, "memory.swap.current"},
      {&CgroupFolders::unified, "memory.swap.max"},
      {&CgroupFolders::unified, "pids.current"},
  }};
  const auto found = std::find(kPolled.begin(), kPolled.end(), File{controller, name});
  if (found == kPolled.end()) return std::nullopt;
  return static_cast<std::size_t>(found - kPolled.begin());
}

base::UniqueFd CgroupHandle::Open(Controller controller, std::string_view name) const {
  const auto folder =
      std::find_if(open_folders_.begin(), open_folders_.end(),
                   [&](const Folder& open) { return open.controller == controller && open.fd; });
  if (folder != open_folders_.end()) {
    return base::UniqueFd(
        ::openat(folder->fd.Get(), std::string(name).c_str(), O_RDONLY | O_CLOEXEC));
  }
  // Not kept open, or too many files are.
  const auto path = folders_.*controller + "/" + std::string(name);
  return base::UniqueFd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
}

std::string_view CgroupHandle::Read(SmallFileReader& reader, Controller controller,
                                    std::string_view name) const {
  if (!Has(controller)) return {};
  const auto polled = PolledIndex(controller, name);
  if (polled) {
    const int open = (*open_files_.Lock())[*polled].Get();
    // Stays open as long as this does.
    const auto text = open >= 0 ? reader.ReadOpen(open) : std::string_view();
    if (!text.empty()) return text;
    // v2: a controller that is switched off and on again has new files.
  }
  auto file = Open(controller, name);
  if (!file) return {};
  const auto text = reader.ReadOpen(file.Get());
  if (polled && IsBelow(file, std::min(kHighestFile, HighestDescriptor()))) {
    const auto files = open_files_.Lock();
    auto& slot = (*files)[*polled];
    if (!slot) slot = std::move(file);
  }
  return text;
}

}  // namespace dockershimd::shim::linuxos
