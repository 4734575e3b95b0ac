#include <toml++/toml.h>

#include "shim/config/config.h"
#include "shim/config/fields.h"

namespace dockershimd::shim::config {
namespace {

using base::Code;
using base::Fail;

std::string Where(const std::filesystem::path& file, const toml::node& node) {
  return fmt::format("{}:{}", file.string(), node.source().begin.line);
}

bool Assign(const toml::node& node, std::string* value) {
  if (!node.is_string()) return false;
  *value = node.as_string()->get();
  return true;
}

bool Assign(const toml::node& node, std::int64_t* value) {
  if (!node.is_integer()) return false;
  *value = node.as_integer()->get();
  return true;
}

bool Assign(const toml::node& node, std::vector<std::string>* value) {
  if (!node.is_array()) return false;
  value->clear();
  for (const auto& item : *node.as_array()) {
    if (!item.is_string()) return false;
    value->push_back(item.as_string()->get());
  }
  return true;
}

const char* TypeName(const Field& field) {
  constexpr const char* kNames[] = {"a string", "a whole number", "a list of strings"};
  return kNames[field.value.index()];
}

base::Status Set(const std::filesystem::path& file, std::string_view key, const toml::node& node,
                 Config* config) {
  for (const auto& field : Fields()) {
    if (key != field.name) continue;
    const bool fits =
        std::visit([&](auto member) { return Assign(node, &(config->*member)); }, field.value);
    if (fits) return {};
    return Fail(Code::kInvalidArgument, "{}: {}: must be {}", Where(file, node), key,
                TypeName(field));
  }
  return Fail(Code::kInvalidArgument, "{}: unknown key '{}'", Where(file, node), key);
}

}  // namespace

base::Result<Config> LoadFile(const std::filesystem::path& file) {
  toml::table table;
  try {
    table = toml::parse_file(file.string());
  } catch (const toml::parse_error& error) {
    return Fail(Code::kInvalidArgument, "{}:{}: {}", file.string(), error.source().begin.line,
                error.description());
  }
  Config config;
  for (const auto& [key, node] : table) {
    if (auto set = Set(file, key.str(), node, &config); !set) return Fail(set.error());
    // Looked at key by key, so that a bad value is named by its line.
    if (auto valid = Validate(config); !valid) return Fail(valid.error(), Where(file, node));
  }
  return config;
}

}  // namespace dockershimd::shim::config
