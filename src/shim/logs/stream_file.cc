#include "shim/logs/stream_file.h"

#include <array>

namespace dockershimd::shim::logs {
namespace {

// Each field ends with a zero byte, which no path can have.
constexpr std::string_view kVersion = "1";

}  // namespace

std::string EncodeStream(const LogStream& stream) {
  std::string stored;
  for (const std::string& field : {std::string(kVersion), stream.docker_log, stream.cri_log,
                                   stream.description, std::string(stream.tty ? "tty" : "")}) {
    stored += field;
    stored += '\0';
  }
  return stored;
}

std::optional<LogStream> DecodeStream(const std::string& container_id, std::string_view stored) {
  std::array<std::string_view, 5> fields;
  for (auto& field : fields) {
    const auto end = stored.find('\0');
    if (end == std::string_view::npos) return std::nullopt;
    field = stored.substr(0, end);
    stored.remove_prefix(end + 1);
  }
  if (fields[0] != kVersion || fields[2].empty() || !stored.empty()) return std::nullopt;
  return LogStream{container_id, std::string(fields[3]), std::string(fields[1]),
                   std::string(fields[2]), fields[4] == "tty"};
}

}  // namespace dockershimd::shim::logs
