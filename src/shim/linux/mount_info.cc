#include "shim/linux/mount_info.h"

#include <optional>
#include <utility>

#include "shim/linux/text_fields.h"

namespace dockershimd::shim::linuxos {
namespace {

bool IsOctal(char digit) { return digit >= '0' && digit <= '7'; }

/// The kernel writes blanks and backslashes as \ooo.
std::string Unescaped(std::string_view text) {
  std::string plain;
  plain.reserve(text.size());
  for (std::size_t at = 0; at < text.size(); ++at) {
    const bool escape = text[at] == '\\' && at + 3 < text.size() && IsOctal(text[at + 1]) &&
                        IsOctal(text[at + 2]) && IsOctal(text[at + 3]);
    if (!escape) {
      plain.push_back(text[at]);
      continue;
    }
    plain.push_back(static_cast<char>((text[at + 1] - '0') * 64 + (text[at + 2] - '0') * 8 +
                                      (text[at + 3] - '0')));
    at += 3;
  }
  return plain;
}

std::optional<MountInfo> ParseMount(std::string_view line) {
  MountInfo mount;
  (void)TakeWord(line);  // mount id
  (void)TakeWord(line);  // parent id
  (void)TakeWord(line);  // device
  mount.root = Unescaped(TakeWord(line));
  mount.mount_point = Unescaped(TakeWord(line));
  (void)TakeWord(line);  // options of the mount
  // Any number of optional fields, then a dash.
  std::string_view word = TakeWord(line);
  while (!word.empty() && word != "-") word = TakeWord(line);
  mount.type = TakeWord(line);
  (void)TakeWord(line);  // source
  mount.options = Unescaped(TakeWord(line));
  if (mount.options.empty()) return std::nullopt;
  return mount;
}

}  // namespace

std::vector<MountInfo> ParseMountInfo(std::string_view text) {
  std::vector<MountInfo> mounts;
  while (const auto line = TakeLine(text)) {
    if (auto mount = ParseMount(*line)) mounts.push_back(std::move(*mount));
  }
  return mounts;
}

bool HasOption(std::string_view options, std::string_view option) {
  while (!options.empty()) {
    const auto comma = options.find(',');
    if (options.substr(0, comma) == option) return true;
    options.remove_prefix(comma == std::string_view::npos ? options.size() : comma + 1);
  }
  return false;
}

std::string OverlayUpperDir(const MountInfo& mount) {
  constexpr std::string_view kOption = ",upperdir=";
  if (mount.type != "overlay") return "";
  const std::string_view options = mount.options;
  const auto option = options.find(kOption);
  if (option == std::string_view::npos) return "";
  const auto path = options.substr(option + kOption.size());
  if (!path.starts_with('/')) return "";
  return std::string(path.substr(0, path.find(',')));
}

std::string RootUpperDir(const std::vector<MountInfo>& mounts) {
  for (const auto& mount : mounts) {
    if (mount.mount_point == "/") return OverlayUpperDir(mount);
  }
  return "";
}

}  // namespace dockershimd::shim::linuxos
