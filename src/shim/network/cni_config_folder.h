#pragma once

#include <sys/stat.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/guarded.h"
#include "base/result.h"
#include "shim/network/cni_config.h"

namespace dockershimd::shim::network {

/// The configuration files of a folder (*.conflist, *.conf, *.json) in the order in which they
/// count: by name.
[[nodiscard]] std::vector<std::filesystem::path> CniConfigFiles(
    const std::filesystem::path& folder);

/// The network of a folder of configurations: the first usable one. Looks at the files' stamps at
/// each use and reads them again when one has changed. Thread-safe.
class CniConfigFolder {
 public:
  using ConfigPtr = std::shared_ptr<const CniConfig>;

  explicit CniConfigFolder(std::filesystem::path folder) : folder_(std::move(folder)) {}

  /// The same pointer as long as nothing has changed. kFailedPrecondition says what to do where
  /// there is no usable configuration. Those passed over are in the log once a change.
  [[nodiscard]] base::Result<ConfigPtr> Current();

  /// Whether there is a configuration file, usable or not.
  [[nodiscard]] bool HasFiles() const { return !CniConfigFiles(folder_).empty(); }

 private:
  /// Path, inode, size and time of the last change of each file.
  struct FileStamp {
    std::string path;
    ino_t inode = 0;
    off_t size = 0;
    std::pair<time_t, long> changed;
    bool operator==(const FileStamp&) const = default;
  };
  using Stamp = std::vector<FileStamp>;
  struct Loaded {
    Stamp stamp;
    base::Result<ConfigPtr> config;
  };

  [[nodiscard]] Stamp StampNow() const;
  [[nodiscard]] base::Result<ConfigPtr> Load() const;

  std::filesystem::path folder_;
  base::Guarded<std::optional<Loaded>> loaded_;
};

}  // namespace dockershimd::shim::network
