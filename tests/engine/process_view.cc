#include "process_view.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

namespace dockershimd::tests {
namespace {

std::string ReadText(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// Fields of a line of mountinfo, as proc(5) has them.
void ReadMount(const std::string& line, std::map<std::string, SeenMount>* mounts) {
  std::istringstream words(line);
  std::string id, parent, device, root, point, options, tag;
  words >> id >> parent >> device >> root >> point >> options;
  SeenMount mount;
  std::istringstream list(options);
  for (std::string option; std::getline(list, option, ',');) mount.options.insert(option);
  mount.propagation = "private";
  while (words >> tag && tag != "-") {
    if (tag.starts_with("shared:")) mount.propagation = "shared";
    // Both: it gives on what it receives.
    if (tag.starts_with("master:") && mount.propagation == "private") mount.propagation = "slave";
  }
  (*mounts)[point] = mount;
}

}  // namespace

ProcessView::ProcessView(int pid) : folder_("/proc/" + std::to_string(pid) + "/") {
  std::istringstream lines(Text("mountinfo"));
  for (std::string line; std::getline(lines, line);) ReadMount(line, &mounts_);
}

std::string ProcessView::Status(const std::string& key) const {
  std::istringstream lines(Text("status"));
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with(key + ":")) continue;
    std::istringstream words(line.substr(key.size() + 1));
    std::string joined;
    for (std::string word; words >> word;) joined += (joined.empty() ? "" : " ") + word;
    return joined;
  }
  return "";
}

std::uint64_t ProcessView::Mask(const std::string& key) const {
  const auto text = Status(key);
  return text.empty() ? 0 : std::stoull(text, nullptr, 16);
}

std::string ProcessView::Text(const std::string& name) const { return ReadText(folder_ + name); }

std::vector<std::string> ProcessView::Words(const std::string& name) const {
  std::vector<std::string> words;
  std::istringstream text(Text(name));
  for (std::string word; std::getline(text, word, '\0');) words.push_back(word);
  return words;
}

std::string ProcessView::Link(const std::string& name) const {
  std::error_code ignored;
  return std::filesystem::read_symlink(folder_ + name, ignored).string();
}

std::string ProcessView::Path(const std::string& path) const { return folder_ + "root" + path; }

std::string ProcessView::File(const std::string& path) const { return ReadText(Path(path)); }

std::string ProcessView::Cgroup(const std::string& controller) const {
  std::istringstream lines(Text("cgroup"));
  std::string unified;
  for (std::string line; std::getline(lines, line);) {
    const auto first = line.find(':');
    const auto second = line.find(':', first + 1);
    const std::string names = "," + line.substr(first + 1, second - first - 1) + ",";
    if (names.find("," + controller + ",") != std::string::npos) return line.substr(second + 1);
    if (names == ",,") unified = line.substr(second + 1);
  }
  return unified;
}

}  // namespace dockershimd::tests
