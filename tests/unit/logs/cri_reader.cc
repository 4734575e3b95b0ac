#include "cri_reader.h"

#include <fmt/format.h>

#include "base/file.h"
#include "base/time.h"

namespace dockershimd::shim::logs {
namespace {

std::string_view TakeWord(std::string_view& line) {
  const auto word = line.substr(0, line.find(' '));
  line.remove_prefix(std::min(line.size(), word.size() + 1));
  return word;
}

void ParseLine(std::string_view line, CriContent& content) {
  const std::string whole(line.substr(0, 200));
  const auto time = base::ParseRfc3339(TakeWord(line));
  const std::string stream(TakeWord(line));
  const auto tag = TakeWord(line);
  if (!time || (stream != "stdout" && stream != "stderr") || (tag != "P" && tag != "F")) {
    content.errors.push_back(whole);
    return;
  }
  auto& unfinished = content.unfinished[stream];
  unfinished += line;
  if (tag == "P") return;
  content.lines[stream].push_back(std::move(unfinished));
  unfinished.clear();
}

}  // namespace

CriContent ParseCri(std::string_view text) {
  CriContent content;
  while (!text.empty()) {
    const auto newline = text.find('\n');
    if (newline == std::string_view::npos) {
      content.errors.push_back("unfinished: " + std::string(text.substr(0, 200)));
      break;
    }
    ParseLine(text.substr(0, newline), content);
    text.remove_prefix(newline + 1);
  }
  return content;
}

std::string ReadRotated(const std::filesystem::path& path) {
  std::string all;
  for (int number = 1;; ++number) {
    const auto rotated = base::ReadFile(RotatedName(path, number));
    if (!rotated) break;
    all += *rotated;
  }
  return all + base::ReadFile(path).value_or("");
}

std::filesystem::path RotatedName(const std::filesystem::path& path, int number) {
  return fmt::format("{}.{:06}", path.string(), number);
}

}  // namespace dockershimd::shim::logs
