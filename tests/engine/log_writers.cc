#include "log_writers.h"

#include <fmt/format.h>

#include <filesystem>
#include <map>

#include "cri_reader.h"
#include "log_lines.h"
#include "pods.h"

namespace dockershimd::tests {

runtime::v1::ContainerConfig WriterConfig(const std::string& name, std::uint64_t seed,
                                          std::uint64_t lines, int pause_micros) {
  auto config = SleeperConfig(name);
  config.clear_command();
  for (const auto& word : {std::string("/writer/log_writer"), std::to_string(seed),
                           std::to_string(lines), std::to_string(pause_micros)}) {
    config.add_command(word);
  }
  auto& mount = *config.add_mounts();
  mount.set_host_path(std::filesystem::path(LOG_WRITER).parent_path());
  mount.set_container_path("/writer");
  mount.set_readonly(true);
  return config;
}

std::string CheckLines(std::string_view cri_log, std::uint64_t seed, std::uint64_t lines) {
  auto content = shim::logs::ParseCri(cri_log);
  if (!content.errors.empty()) return "no line of CRI's: " + content.errors.front();
  std::map<std::string, std::size_t> next;
  std::string room(LOG_LINE_ROOM, '\0');
  for (std::uint64_t number = 0; number < lines; ++number) {
    const std::string stream = log_line_is_stderr(seed, number) != 0 ? "stderr" : "stdout";
    const std::string_view expected(room.data(), log_line(seed, number, room.data()));
    const auto& written = content.lines[stream];
    const std::size_t index = next[stream]++;
    if (index >= written.size()) return fmt::format("{} ends before line {}", stream, number);
    if (written[index] == expected) continue;
    return fmt::format("{}: instead of line {} ({} bytes), {} bytes: {}", stream, number,
                       expected.size(), written[index].size(), written[index].substr(0, 100));
  }
  for (const auto& [stream, written] : content.lines) {
    if (written.size() != next[stream]) {
      return fmt::format("{} lines too many on {}", written.size() - next[stream], stream);
    }
  }
  return "";
}

}  // namespace dockershimd::tests
