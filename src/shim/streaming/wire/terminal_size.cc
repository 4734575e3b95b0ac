#include "shim/streaming/wire/terminal_size.h"

#include <limits>
#include <nlohmann/json.hpp>
#include <optional>

namespace dockershimd::shim::streaming::wire {
namespace {

/// Far more than two numbers need.
constexpr std::size_t kObjectLimit = 1024;

bool IsSpace(char byte) { return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n'; }

std::string LowerCase(std::string text) {
  for (char& letter : text) {
    if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
  }
  return text;
}

std::optional<std::uint16_t> NumberOf(const nlohmann::json& value) {
  if (value.is_null()) return 0;
  if (!value.is_number_unsigned()) return std::nullopt;
  const auto number = value.get<std::uint64_t>();
  if (number > std::numeric_limits<std::uint16_t>::max()) return std::nullopt;
  return static_cast<std::uint16_t>(number);
}

std::optional<TerminalSize> SizeOf(const nlohmann::json& object) {
  TerminalSize size;
  for (const auto& [name, value] : object.items()) {
    const std::string lower = LowerCase(name);
    if (lower != "width" && lower != "height") continue;
    const auto number = NumberOf(value);
    if (!number) return std::nullopt;
    (lower == "width" ? size.width : size.height) = *number;
  }
  return size;
}

}  // namespace

std::vector<TerminalSize> TerminalSizeReader::Feed(std::string_view bytes) {
  std::vector<TerminalSize> sizes;
  for (const char byte : bytes) {
    if (failed_) break;
    OnByte(byte, &sizes);
  }
  return sizes;
}

void TerminalSizeReader::OnByte(char byte, std::vector<TerminalSize>* sizes) {
  if (object_.empty()) {
    if (IsSpace(byte)) return;
    failed_ = byte != '{';
  }
  object_.push_back(byte);
  if (object_.size() > kObjectLimit) failed_ = true;
  // The objects hold plain members only: the first closing brace ends one. With anything nested
  // that text is no JSON, and no size either.
  if (byte == '}' && !failed_) Parse(sizes);
  if (failed_) object_ = {};
}

void TerminalSizeReader::Parse(std::vector<TerminalSize>* sizes) {
  const auto object = nlohmann::json::parse(object_, nullptr, false);
  object_.clear();
  const auto size = object.is_object() ? SizeOf(object) : std::nullopt;
  failed_ = !size;
  if (size && size->width > 0 && size->height > 0) sizes->push_back(*size);
}

}  // namespace dockershimd::shim::streaming::wire
