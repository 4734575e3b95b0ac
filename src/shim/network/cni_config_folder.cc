#include "shim/network/cni_config_folder.h"

#include <algorithm>

#include "base/file.h"
#include "base/log.h"

namespace dockershimd::shim::network {
namespace {

using base::Code;
using base::Fail;
using base::Result;

template <class Accept>
std::vector<std::filesystem::path> Entries(const std::filesystem::path& folder, Accept accept) {
  std::vector<std::filesystem::path> entries;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    if (accept(*entry)) entries.push_back(entry->path());
  }
  std::sort(entries.begin(), entries.end());
  return entries;
}

Result<CniConfig> LoadFile(const std::filesystem::path& file) {
  auto text = base::ReadFile(file);
  if (text) text = CompleteCniConfig(std::move(*text), file.parent_path());
  if (!text) return Fail(text.error());
  return ParseCniConfig(*text);
}

}  // namespace

std::vector<std::filesystem::path> CniConfigFiles(const std::filesystem::path& folder) {
  return Entries(folder, [](const std::filesystem::directory_entry& entry) {
    const auto extension = entry.path().extension();
    const bool is_config = extension == ".conflist" || extension == ".conf" || extension == ".json";
    std::error_code ignored;
    return is_config && entry.is_regular_file(ignored);
  });
}

CniConfigFolder::Stamp CniConfigFolder::StampNow() const {
  auto files = CniConfigFiles(folder_);
  // Folders named after a network may hold plugins of it.
  const auto folders = Entries(folder_, [](const std::filesystem::directory_entry& entry) {
    std::error_code ignored;
    return entry.is_directory(ignored);
  });
  for (const auto& folder : folders) {
    const auto more = CniConfigFiles(folder);
    files.insert(files.end(), more.begin(), more.end());
  }
  Stamp stamp;
  for (const auto& file : files) {
    struct stat status{};
    if (::stat(file.c_str(), &status) != 0) continue;
    stamp.push_back({file.string(),
                     status.st_ino,
                     status.st_size,
                     {status.st_ctim.tv_sec, status.st_ctim.tv_nsec}});
  }
  return stamp;
}

Result<CniConfigFolder::ConfigPtr> CniConfigFolder::Load() const {
  std::string problems;
  for (const auto& file : CniConfigFiles(folder_)) {
    auto config = LoadFile(file);
    if (config) {
      spdlog::info("using the CNI network '{}' from {}", config->name, file.string());
      return std::make_shared<const CniConfig>(std::move(*config));
    }
    spdlog::warn("CNI configuration {} is passed over: {}", file.string(), config.error().message);
    problems += fmt::format("{}{}: {}", problems.empty() ? "" : "; ", file.filename().string(),
                            config.error().message);
  }
  if (!problems.empty()) {
    return Fail(Code::kFailedPrecondition, "no usable CNI configuration in {}: {}",
                folder_.string(), problems);
  }
  return Fail(Code::kFailedPrecondition,
              "no CNI configuration found in {}: install a network add-on or pass --network bridge",
              folder_.string());
}

Result<CniConfigFolder::ConfigPtr> CniConfigFolder::Current() {
  // Taken before reading: a change in between is seen at the next use.
  auto stamp = StampNow();
  auto loaded = loaded_.Lock();
  if (!*loaded || (*loaded)->stamp != stamp) *loaded = Loaded{std::move(stamp), Load()};
  return (*loaded)->config;
}

}  // namespace dockershimd::shim::network
