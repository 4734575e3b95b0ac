#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"

namespace dockershimd::shim::logs {

/// Tells when files in folders are written, made or renamed (inotify).
class FolderWatch {
 public:
  struct Event {
    int watch = -1;
    std::string_view name;  ///< of the file, within its folder
    bool is_new = false;    ///< made there or moved there; else written to
  };

  FolderWatch();
  [[nodiscard]] int Descriptor() const { return fd_.Get(); }

  /// What is to be told of a folder. Being told of writes costs whoever writes 0.2 to 0.5 µs for
  /// each.
  enum class Events : std::uint8_t { kNewFiles, kNewFilesAndWrites };

  /// Begins to watch a folder, or changes what is told of it. Returns the events' `watch`; the same
  /// as before if it is the same folder. kNotFound: there is none.
  [[nodiscard]] base::Result<int> Watch(const std::filesystem::path& folder, Events events);
  void Remove(int watch);

  /// Hands over what has happened; does not wait. Returns false if some of it was lost: look
  /// everywhere.
  [[nodiscard]] bool Read(const std::function<void(const Event&)>& on_event);

 private:
  base::UniqueFd fd_;
};

}  // namespace dockershimd::shim::logs
