#include "shim/linux/cgroup_folders.h"

#include <array>
#include <optional>

#include "shim/linux/text_fields.h"

namespace dockershimd::shim::linuxos {
namespace {

using base::Code;
using base::Fail;
using base::Result;

struct Controller {
  std::string_view name;
  std::string CgroupFolders::* folder;
};
constexpr std::array kControllers = {
    Controller{"cpu", &CgroupFolders::cpu},       Controller{"cpuacct", &CgroupFolders::cpuacct},
    Controller{"memory", &CgroupFolders::memory}, Controller{"pids", &CgroupFolders::pids},
    Controller{"blkio", &CgroupFolders::blkio},   Controller{"hugetlb", &CgroupFolders::hugetlb},
};
constexpr std::array kAllFolders = {
    &CgroupFolders::cpu,   &CgroupFolders::cpuacct, &CgroupFolders::memory,  &CgroupFolders::pids,
    &CgroupFolders::blkio, &CgroupFolders::hugetlb, &CgroupFolders::unified,
};

/// A line of /proc/<pid>/cgroup: "4:cpu,cpuacct:/path", on v2 "0::/path".
struct Membership {
  std::string_view controllers;
  std::string_view path;
};

std::optional<Membership> ParseMembership(std::string_view line) {
  const auto first = line.find(':');
  if (first == std::string_view::npos) return std::nullopt;
  const auto second = line.find(':', first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  return Membership{line.substr(first + 1, second - first - 1), line.substr(second + 1)};
}

/// The path up to the part that carries the container's id ("<id>", "docker-<id>.scope").
std::string_view UpToContainer(std::string_view path, std::string_view container_id) {
  const auto at = container_id.empty() ? std::string_view::npos : path.find(container_id);
  if (at == std::string_view::npos) return {};
  return path.substr(0, path.find('/', at));
}

/// Where a mount shows this cgroup; empty where it does not.
std::string FolderIn(const MountInfo& mount, std::string_view path) {
  if (mount.root == "/") return mount.mount_point + std::string(path);
  if (!path.starts_with(mount.root)) return "";
  const auto rest = path.substr(mount.root.size());
  if (!rest.empty() && !rest.starts_with('/')) return "";
  return mount.mount_point + std::string(rest);
}

std::string FindFolder(const std::vector<MountInfo>& mounts, std::string_view controller,
                       std::string_view path) {
  std::string found;
  for (const auto& mount : mounts) {
    const bool fits = controller.empty()
                          ? mount.type == "cgroup2"
                          : mount.type == "cgroup" && HasOption(mount.options, controller);
    if (!fits) continue;
    // A later mount may hide an earlier one.
    if (auto folder = FolderIn(mount, path); !folder.empty()) found = std::move(folder);
  }
  return found;
}

void Place(const Membership& membership, std::string_view path,
           const std::vector<MountInfo>& mounts, CgroupFolders* folders) {
  if (membership.controllers.empty()) folders->unified = FindFolder(mounts, "", path);
  for (const auto& controller : kControllers) {
    if (!HasOption(membership.controllers, controller.name)) continue;
    folders->*controller.folder = FindFolder(mounts, controller.name, path);
    if (controller.name == "memory") folders->path = path;
  }
  if (folders->path.empty()) folders->path = path;
}

std::string_view ParentOf(std::string_view path) {
  const auto slash = path.rfind('/');
  return slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
}

}  // namespace

base::Result<CgroupFolders> ContainerFolders(std::string_view proc_cgroup,
                                             const std::vector<MountInfo>& mounts,
                                             std::string_view container_id) {
  CgroupFolders folders;
  while (const auto line = TakeLine(proc_cgroup)) {
    const auto membership = ParseMembership(*line);
    if (!membership) continue;
    // A hierarchy that the runtime does not use leaves the process where its parent was.
    const auto path = UpToContainer(membership->path, container_id);
    if (!path.empty()) Place(*membership, path, mounts, &folders);
  }
  if (folders.path.empty()) {
    return Fail(Code::kNotFound, "container {}: its process is in no cgroup of that name",
                container_id);
  }
  for (const auto folder : kAllFolders) {
    if (!(folders.*folder).empty()) return folders;
  }
  return Fail(Code::kNotFound, "container {}: no mount shows its cgroup {}", container_id,
              folders.path);
}

CgroupFolders ParentFolders(const CgroupFolders& folders) {
  CgroupFolders parent;
  parent.path = ParentOf(folders.path);
  for (const auto folder : kAllFolders) parent.*folder = ParentOf(folders.*folder);
  return parent;
}

CgroupFolders Below(const std::string& root, CgroupFolders folders) {
  for (const auto folder : kAllFolders) {
    if (!(folders.*folder).empty()) folders.*folder = root + folders.*folder;
  }
  return folders;
}

}  // namespace dockershimd::shim::linuxos
