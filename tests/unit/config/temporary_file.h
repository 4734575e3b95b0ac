#pragma once

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace dockershimd::testsupport {

/// A file in a folder of its own, both gone with the object.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& content) {
    std::string name = std::filesystem::temp_directory_path() / "config-test.XXXXXX";
    folder_ = ::mkdtemp(name.data());
    std::ofstream(Path()) << content;
  }
  ~TemporaryFile() { std::filesystem::remove_all(folder_); }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  [[nodiscard]] std::string Path() const { return folder_ / "config.toml"; }

 private:
  std::filesystem::path folder_;
};

}  // namespace dockershimd::testsupport
