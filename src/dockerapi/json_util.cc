#include "dockerapi/json_util.h"

#include <algorithm>
#include <limits>

namespace dockershimd::dockerapi {

base::Result<Json> ParseJson(std::string_view text, std::string_view what) {
  Json value = Json::parse(text, nullptr, false);
  if (value.is_discarded()) {
    return base::Fail(base::Code::kInternal, "{}: Docker's answer is not JSON: {:.200}", what,
                      text);
  }
  return value;
}

base::Result<Json> ParseObject(std::string_view text, std::string_view what) {
  auto value = ParseJson(text, what);
  if (value && !value->is_object()) {
    return base::Fail(base::Code::kInternal, "{}: Docker's answer is no JSON object: {:.200}", what,
                      text);
  }
  return value;
}

base::Result<Json> ParseList(std::string_view text, std::string_view what) {
  auto value = ParseJson(text, what);
  if (value && !value->is_array()) {
    return base::Fail(base::Code::kInternal, "{}: Docker's answer is no JSON list: {:.200}", what,
                      text);
  }
  return value;
}

std::string DumpJson(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

const Json& Member(const Json& object, const char* name) {
  static const Json kNull;
  if (!object.is_object()) return kNull;
  const auto found = object.find(name);
  return found == object.end() ? kNull : *found;
}

std::string StringOf(const Json& object, const char* name) {
  const Json& value = Member(object, name);
  return value.is_string() ? value.get_ref<const std::string&>() : std::string();
}

std::int64_t IntOf(const Json& object, const char* name) {
  const Json& value = Member(object, name);
  if (value.is_number_unsigned()) {
    const auto number = value.get<std::uint64_t>();
    const auto highest = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    return static_cast<std::int64_t>(std::min(number, highest));
  }
  return value.is_number_integer() ? value.get<std::int64_t>() : 0;
}

int Int32Of(const Json& object, const char* name) {
  return static_cast<int>(std::clamp<std::int64_t>(IntOf(object, name),
                                                   std::numeric_limits<std::int32_t>::min(),
                                                   std::numeric_limits<std::int32_t>::max()));
}

bool BoolOf(const Json& object, const char* name) {
  const Json& value = Member(object, name);
  return value.is_boolean() && value.get<bool>();
}

std::optional<std::vector<std::string>> OptionalStringsOf(const Json& object, const char* name) {
  const Json& value = Member(object, name);
  if (!value.is_array()) return std::nullopt;
  std::vector<std::string> texts;
  for (const Json& item : value) {
    if (item.is_string()) texts.push_back(item.get_ref<const std::string&>());
  }
  return texts;
}

std::vector<std::string> StringsOf(const Json& object, const char* name) {
  return OptionalStringsOf(object, name).value_or(std::vector<std::string>());
}

std::map<std::string, std::string> StringMapOf(const Json& object, const char* name) {
  std::map<std::string, std::string> texts;
  const Json& value = Member(object, name);
  if (!value.is_object()) return texts;
  for (const auto& [key, item] : value.items()) {
    if (item.is_string()) texts[key] = item.get_ref<const std::string&>();
  }
  return texts;
}

std::vector<std::string> KeysOf(const Json& object, const char* name) {
  std::vector<std::string> keys;
  const Json& value = Member(object, name);
  if (!value.is_object()) return keys;
  for (const auto& [key, item] : value.items()) keys.push_back(key);
  return keys;
}

const Json& ListOf(const Json& object, const char* name) {
  static const Json kNone = Json::array();
  const Json& value = Member(object, name);
  return value.is_array() ? value : kNone;
}

void SetIf(Json& object, const char* name, const std::string& value) {
  if (!value.empty()) object[name] = value;
}

void SetIf(Json& object, const char* name, std::int64_t value) {
  if (value != 0) object[name] = value;
}

void SetIf(Json& object, const char* name, bool value) {
  if (value) object[name] = true;
}

void SetIf(Json& object, const char* name, const std::vector<std::string>& value) {
  if (!value.empty()) object[name] = value;
}

void SetIf(Json& object, const char* name, const std::map<std::string, std::string>& value) {
  if (!value.empty()) object[name] = value;
}

}  // namespace dockershimd::dockerapi
