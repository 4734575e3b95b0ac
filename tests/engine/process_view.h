#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace dockershimd::tests {

/// A mount as a process sees it.
struct SeenMount {
  std::set<std::string> options;  ///< "ro", "noexec", ...
  std::string propagation;        ///< "private", "slave", "shared"
};

/// What the kernel shows of a process, read with no code of the daemon's. Empty where it has ended.
class ProcessView {
 public:
  explicit ProcessView(int pid);

  /// A line of /proc/PID/status: "Uid", "CapBnd", ..., tabs as single spaces.
  [[nodiscard]] std::string Status(const std::string& key) const;
  /// A line of the same that is a hexadecimal number: "CapBnd", "SigIgn", ...
  [[nodiscard]] std::uint64_t Mask(const std::string& key) const;
  /// /proc/PID/NAME as text.
  [[nodiscard]] std::string Text(const std::string& name) const;
  /// Zero-separated words: "cmdline", "environ".
  [[nodiscard]] std::vector<std::string> Words(const std::string& name) const;
  /// Where a link leads: "cwd", "ns/net", "fd/0".
  [[nodiscard]] std::string Link(const std::string& name) const;
  /// A file that the process would find at this path.
  [[nodiscard]] std::string File(const std::string& path) const;
  /// The host's path of what the process would find there.
  [[nodiscard]] std::string Path(const std::string& path) const;
  /// The topmost mount at each place.
  [[nodiscard]] const std::map<std::string, SeenMount>& Mounts() const { return mounts_; }
  /// The path of its cgroup: of that controller on v1, the only one on v2.
  [[nodiscard]] std::string Cgroup(const std::string& controller) const;

 private:
  std::string folder_;
  std::map<std::string, SeenMount> mounts_;
};

}  // namespace dockershimd::tests
