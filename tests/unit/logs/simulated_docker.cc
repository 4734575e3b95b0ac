#include "simulated_docker.h"

#include <fcntl.h>

#include <nlohmann/json.hpp>
#include <stdexcept>

#include "base/file.h"

namespace dockershimd::shim::logs {
namespace {

constexpr std::size_t kPartSize = 16384;

/// As Go's encoding/json: also <, > and &, for the sake of HTML.
std::string Escape(std::string_view text) {
  std::string escaped;
  for (const char c : nlohmann::json(text).dump()) {
    if (c == '<' || c == '>' || c == '&') {
      escaped += c == '<' ? "\\u003c" : c == '>' ? "\\u003e" : "\\u0026";
    } else {
      escaped += c;
    }
  }
  return escaped;
}

/// Go's RFC3339Nano: no zeros at the end.
std::string Stamp(base::UnixNanos time) {
  std::string text = base::FormatRfc3339(time);
  text.pop_back();
  while (text.back() == '0') text.pop_back();
  if (text.back() == '.') text.pop_back();
  return text + "Z";
}

}  // namespace

SimulatedDocker::SimulatedDocker(std::filesystem::path path, Options options)
    : path_(std::move(path)), options_(options) {
  Open(O_APPEND);
}

void SimulatedDocker::Open(int flags) {
  auto fd = base::OpenFile(path_, O_WRONLY | O_CREAT | flags, 0640);
  if (!fd) throw std::runtime_error(fd.error().message);
  fd_ = std::move(*fd);
  size_ = 0;
}

void SimulatedDocker::WriteLine(std::string_view stream, std::string_view text) {
  const std::string line = std::string(text) + "\n";
  std::string_view rest = line;
  // A line that fills the buffer to the last byte has its newline in it.
  while (rest.size() > kPartSize) {
    WriteRecord(stream, rest.substr(0, kPartSize));
    rest.remove_prefix(kPartSize);
  }
  WriteRecord(stream, rest);
  time_ += 1 + static_cast<base::UnixNanos>(text.size()) * 10;
}

void SimulatedDocker::WriteUnfinished(std::string_view stream, std::string_view text) {
  WriteRecord(stream, text);
  ++time_;
}

void SimulatedDocker::WriteRecord(std::string_view stream, std::string_view text) {
  last_time_ = Stamp(time_);
  const std::string record = R"({"log":)" + Escape(text) + R"(,"stream":")" + std::string(stream) +
                             R"(","time":")" + last_time_ + "\"}\n";
  if (size_ >= options_.max_size) Rotate();
  WriteRaw(record);
}

void SimulatedDocker::WriteRaw(std::string_view bytes) {
  if (auto written = base::WriteAll(fd_.Get(), bytes, "write log"); !written) {
    throw std::runtime_error(written.error().message);
  }
  size_ += bytes.size();
}

void SimulatedDocker::Rotate() {
  ++rotations_;
  fd_.Reset();
  const auto name = [&](int index) { return path_.string() + "." + std::to_string(index); };
  std::error_code ignored;
  if (options_.max_files > 1) {
    std::filesystem::remove(name(options_.max_files - 1), ignored);
    for (int index = options_.max_files - 1; index > 1; --index) {
      std::filesystem::rename(name(index - 1), name(index), ignored);
    }
    std::filesystem::rename(path_, name(1));
  }
  Open(O_TRUNC);
}

}  // namespace dockershimd::shim::logs
