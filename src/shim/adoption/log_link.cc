#include "shim/adoption/log_link.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <system_error>

#include "base/file.h"

namespace dockershimd::shim::adoption {
namespace {

namespace fs = std::filesystem;
using base::Fail;

base::Error Failure(const std::error_code& error, const fs::path& path, std::string_view what) {
  return base::ErrnoError(error.value(), fmt::format("{} {}", what, path.string()));
}

/// A name that no earlier rotation has taken: kubelet's names are by the second.
fs::path RotatedName(const fs::path& log, std::chrono::system_clock::time_point now) {
  for (auto second = std::chrono::system_clock::to_time_t(now);; ++second) {
    fs::path name = fmt::format("{}.{:%Y%m%d-%H%M%S}", log.string(), fmt::gmtime(second));
    std::error_code ignored;
    const auto taken = fs::symlink_status(name, ignored);
    if (taken.type() == fs::file_type::not_found) return name;
  }
}

}  // namespace

base::Result<bool> LinkLogToDocker(const fs::path& cri_log, const fs::path& docker_log,
                                   std::chrono::system_clock::time_point now) {
  std::error_code error;
  const auto present = fs::symlink_status(cri_log, error);
  if (present.type() == fs::file_type::symlink) {
    if (fs::read_symlink(cri_log, error) == docker_log) return false;
    fs::remove(cri_log, error);
    if (error) return Fail(Failure(error, cri_log, "remove"));
  } else if (present.type() != fs::file_type::not_found) {
    fs::rename(cri_log, RotatedName(cri_log, now), error);
    if (error) return Fail(Failure(error, cri_log, "rename"));
  }
  if (auto made = base::MakeDirectories(cri_log.parent_path()); !made) return Fail(made.error());
  fs::create_symlink(docker_log, cri_log, error);
  if (error) return Fail(Failure(error, cri_log, "make the link"));
  return true;
}

}  // namespace dockershimd::shim::adoption
