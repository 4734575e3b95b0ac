#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"

namespace dockershimd::shim::linuxos {

/// Keeps network namespaces alive after the processes in them, by bind mounts as `ip netns` makes
/// them: one file per pod in one folder. They outlive the daemon. Holds no state.
class NamespacePins {
 public:
  explicit NamespacePins(std::filesystem::path folder) : folder_(std::move(folder)) {}

  /// Pins the namespace at `netns_path` ("/proc/<pid>/ns/net") under a name, a former one of that
  /// name is released; returns the path by which it can be entered from now on.
  [[nodiscard]] base::Result<std::string> Pin(const std::string& name,
                                              const std::string& netns_path) const;

  /// The path of a pinned namespace. Empty where there is none: also where a file is left but the
  /// mount is gone (the machine, or the daemon's own mount namespace, is another).
  [[nodiscard]] std::string Find(const std::string& name) const;

  /// Fine if there is none. The namespace ends with the last process in it.
  [[nodiscard]] base::Status Release(const std::string& name) const;

  /// All names, those whose mount is gone included.
  [[nodiscard]] std::vector<std::string> Names() const;

 private:
  std::filesystem::path folder_;
};

}  // namespace dockershimd::shim::linuxos
