#pragma once

#include <filesystem>
#include <string>

namespace dockershimd::testsupport {

/// A folder of a test's own that stands for "/": files of the kernel as a machine showed them.
class RecordedTree {
 public:
  RecordedTree();
  ~RecordedTree();
  RecordedTree(const RecordedTree&) = delete;
  RecordedTree& operator=(const RecordedTree&) = delete;

  [[nodiscard]] std::string Root() const { return root_; }
  /// Writes a file, and the folders that it needs. `path` begins with "/".
  void Write(const std::string& path, const std::string& content) const;
  /// Removes a file, or a folder as the kernel removes a cgroup's.
  void Remove(const std::string& path) const;

  // A process in a container's cgroup and the files of that cgroup.
  // Kernel 6.18, all controllers on v1, each in a hierarchy of its own, and a v2 one beside them
  // (hybrid); cgroupfs driver.
  void AddHybrid(const std::string& cgroup, int pid) const;
  // v1 as systemd mounts it: cpu,cpuacct in one hierarchy; no v2.
  void AddV1(const std::string& cgroup, int pid) const;
  // v2 alone.
  void AddV2(const std::string& cgroup, int pid) const;

  // Files of one folder.
  void WriteMemoryV1(const std::string& folder) const;
  void WriteV2(const std::string& folder) const;

 private:
  std::filesystem::path root_;
};

}  // namespace dockershimd::testsupport
