#pragma once

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace dockershimd::testsupport {

/// A folder that plays "/", gone with the object.
class TemporaryRoot {
 public:
  TemporaryRoot() {
    std::string name = std::filesystem::temp_directory_path() / "check-test.XXXXXX";
    path_ = ::mkdtemp(name.data());
  }
  ~TemporaryRoot() { std::filesystem::remove_all(path_); }
  TemporaryRoot(const TemporaryRoot&) = delete;
  TemporaryRoot& operator=(const TemporaryRoot&) = delete;

  void Write(const std::string& file, const std::string& text) const {
    std::filesystem::create_directories((path_ / file).parent_path());
    std::ofstream(path_ / file) << text;
  }
  [[nodiscard]] const std::filesystem::path& Path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace dockershimd::testsupport
