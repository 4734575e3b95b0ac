#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/unique_fd.h"

namespace dockershimd::shim::logs {

/// Rotated log files that are not read yet, held by a second name beside Docker's: Docker may
/// delete its own, and an open descriptor would not outlive this daemon. They go with the
/// container, as Docker removes its whole folder.
class KeptFiles {
 public:
  /// `log` is Docker's current file.
  explicit KeptFiles(const std::filesystem::path& log);

  /// Gives an open file another name, and returns that; empty if it cannot have one (already
  /// deleted, another file system's rules): it is then kept only as long as it is open.
  [[nodiscard]] std::string Keep(const base::UniqueFd& file);
  void Release(const std::string& name) const;

  /// All that were kept, by an earlier daemon too, newest first.
  [[nodiscard]] std::vector<std::string> List();

 private:
  const std::string folder_;
  const std::string prefix_;
  /// Of the name to come: rotated files are kept in their order.
  std::uint64_t next_ = 0;
};

}  // namespace dockershimd::shim::logs
