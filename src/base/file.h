#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"

namespace dockershimd::base {

/// Reads a whole file, /proc and cgroup files too. A missing file is kNotFound.
[[nodiscard]] Result<std::string> ReadFile(const std::filesystem::path& path);

/// What a file must survive: a crash of the daemon, or of the machine too, which costs a sync.
enum class Durability : std::uint8_t { kDaemonCrash, kPowerLoss };

/// Replaces a file so that a reader, or a crash at any instant, sees the old or the new content
/// and nothing between: written beside it, synced where asked for, renamed.
[[nodiscard]] Status WriteFileAtomically(const std::filesystem::path& path,
                                         std::string_view content,
                                         Durability durability = Durability::kPowerLoss,
                                         mode_t mode = 0600);

/// Writes to an existing file in place, as cgroup files and bind-mounted files need it.
[[nodiscard]] Status WriteFileInPlace(const std::filesystem::path& path, std::string_view content);

/// Makes a folder and its parents; fine if it is there.
[[nodiscard]] Status MakeDirectories(const std::filesystem::path& path, mode_t mode = 0755);

/// Opens with O_CLOEXEC, EINTR retried.
[[nodiscard]] Result<UniqueFd> OpenFile(const std::filesystem::path& path, int flags,
                                        mode_t mode = 0600);

/// Writes all of it, whatever write() makes of it.
[[nodiscard]] Status WriteAll(int fd, std::string_view content, std::string_view what);

}  // namespace dockershimd::base
