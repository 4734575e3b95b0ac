#include "shim/logs/kept_files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <map>

namespace dockershimd::shim::logs {

// Hidden, and without Docker's ending: log shippers that look for Docker's files pass it by.
KeptFiles::KeptFiles(const std::filesystem::path& log)
    : folder_(log.parent_path()), prefix_("." + log.stem().string() + ".dockershimd-unread-") {}

std::string KeptFiles::Keep(const base::UniqueFd& file) {
  if (next_ == 0) (void)List();
  const auto name = fmt::format("{}/{}{}", folder_, prefix_, next_);
  // By its descriptor: its names change under us.
  const std::string open = fmt::format("/proc/self/fd/{}", file.Get());
  if (::linkat(AT_FDCWD, open.c_str(), AT_FDCWD, name.c_str(), AT_SYMLINK_FOLLOW) != 0) return {};
  ++next_;
  return name;
}

void KeptFiles::Release(const std::string& name) const {
  if (!name.empty()) ::unlink(name.c_str());
}

std::vector<std::string> KeptFiles::List() {
  std::map<std::uint64_t, std::string, std::greater<>> found;
  std::error_code failed;
  std::filesystem::directory_iterator entry(folder_, failed);
  for (; !failed && entry != std::filesystem::directory_iterator(); entry.increment(failed)) {
    const std::string name = entry->path().filename();
    if (!name.starts_with(prefix_)) continue;
    std::uint64_t number = 0;
    const char* end = name.data() + name.size();
    const auto read = std::from_chars(name.data() + prefix_.size(), end, number);
    if (read.ec == std::errc() && read.ptr == end) found.emplace(number, entry->path());
  }
  next_ = std::max(next_, found.empty() ? 1 : found.begin()->first + 1);
  std::vector<std::string> names;
  for (auto& [number, name] : found) names.push_back(std::move(name));
  return names;
}

}  // namespace dockershimd::shim::logs
