#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace dockershimd::dockerapi {

// The one place that reads JSON fields. Docker sends null for empty lists and objects, and the
// library throws on null and truncates numbers silently: these functions do neither. What is
// missing, null or of another type reads as empty.

using Json = nlohmann::json;

/// kInternal for a text that is not JSON; `what` says whose answer it was.
[[nodiscard]] base::Result<Json> ParseJson(std::string_view text, std::string_view what);

/// As ParseJson, and kInternal for anything but an object, or a list.
[[nodiscard]] base::Result<Json> ParseObject(std::string_view text, std::string_view what);
[[nodiscard]] base::Result<Json> ParseList(std::string_view text, std::string_view what);

/// Bad UTF-8 is replaced, never an error.
[[nodiscard]] std::string DumpJson(const Json& value);

/// The member, or a null value.
[[nodiscard]] const Json& Member(const Json& object, const char* name);

[[nodiscard]] std::string StringOf(const Json& object, const char* name);
/// Numbers beyond the type's range read as its limit.
[[nodiscard]] std::int64_t IntOf(const Json& object, const char* name);
[[nodiscard]] int Int32Of(const Json& object, const char* name);
[[nodiscard]] bool BoolOf(const Json& object, const char* name);
[[nodiscard]] std::vector<std::string> StringsOf(const Json& object, const char* name);
/// Empty for null and missing: Docker tells "default" and "none" apart.
[[nodiscard]] std::optional<std::vector<std::string>> OptionalStringsOf(const Json& object,
                                                                        const char* name);
[[nodiscard]] std::map<std::string, std::string> StringMapOf(const Json& object, const char* name);

/// The names of an object's members.
[[nodiscard]] std::vector<std::string> KeysOf(const Json& object, const char* name);

/// The elements of a list; none where it is something else.
[[nodiscard]] const Json& ListOf(const Json& object, const char* name);

/// Sets members only where there is something to say, so that an older engine is not sent a field
/// that it does not know.
void SetIf(Json& object, const char* name, const std::string& value);
void SetIf(Json& object, const char* name, std::int64_t value);
void SetIf(Json& object, const char* name, bool value);
void SetIf(Json& object, const char* name, const std::vector<std::string>& value);
void SetIf(Json& object, const char* name, const std::map<std::string, std::string>& value);

}  // namespace dockershimd::dockerapi
