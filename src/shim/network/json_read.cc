#include "shim/network/json_read.h"

#include <nlohmann/json.hpp>

namespace dockershimd::shim::network {
namespace {

using Json = nlohmann::json;

constexpr int kDeepest = 100;

/// A first pass that keeps nothing.
bool IsTooDeep(std::string_view text) {
  int depth = 0;
  bool in_text = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_text && c == '\\') ++i;
    if (c == '"') in_text = !in_text;
    if (in_text) continue;
    if (c == '{' || c == '[') ++depth;
    if (c == '}' || c == ']') --depth;
    if (depth > kDeepest) return true;
  }
  return false;
}

}  // namespace

Json ReadJson(std::string_view text) {
  if (IsTooDeep(text)) return {Json::value_t::discarded};
  return Json::parse(text, nullptr, false);
}

std::string TextMember(const Json& object, const char* name) {
  if (!object.is_object()) return "";
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

std::string JsonText(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace dockershimd::shim::network
