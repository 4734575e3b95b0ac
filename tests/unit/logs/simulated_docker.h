#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include "base/time.h"
#include "base/unique_fd.h"

namespace dockershimd::shim::logs {

/// Writes and rotates a json-file log as dockerd does.
class SimulatedDocker {
 public:
  struct Options {
    std::uint64_t max_size = 1 << 20;
    int max_files = 5;  ///< 1: truncated in place, as 20.10 does
  };

  SimulatedDocker(std::filesystem::path path, Options options);

  /// One line of a container, without its newline; split as Docker splits it.
  void WriteLine(std::string_view stream, std::string_view text);
  /// What a container wrote last, without a newline.
  void WriteUnfinished(std::string_view stream, std::string_view text);
  /// Bytes as they are, rotation apart.
  void WriteRaw(std::string_view bytes);
  void Rotate();

  [[nodiscard]] const std::filesystem::path& Path() const { return path_; }
  [[nodiscard]] int Rotations() const { return rotations_; }
  /// The time of the last record, as Docker writes it.
  [[nodiscard]] const std::string& LastTime() const { return last_time_; }

 private:
  void WriteRecord(std::string_view stream, std::string_view text);
  void Open(int flags);

  const std::filesystem::path path_;
  const Options options_;
  base::UniqueFd fd_;
  std::uint64_t size_ = 0;
  base::UnixNanos time_ = base::WallClockNow();
  std::string last_time_;
  int rotations_ = 0;
};

}  // namespace dockershimd::shim::logs
