#include "compare/leaves.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <vector>

namespace dockershimd::compare {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using Json = nlohmann::json;

/// What tells the rows of a list apart: the path of a field inside the row.
struct RowKey {
  std::string_view message;
  std::string_view field;
};
constexpr RowKey kRowKeys[] = {
    {"Mount", "container_path"},
    {"RuntimeCondition", "type"},
    {"RuntimeHandler", "name"},
    {"NetworkInterfaceUsage", "name"},
    {"MetricDescriptor", "name"},
    {"Metric", "name"},
    {"Container", "metadata.name"},
    {"ContainerStatus", "metadata.name"},
    {"PodSandbox", "metadata.name"},
    {"ContainerStats", "attributes.metadata.name"},
    {"PodSandboxStats", "attributes.metadata.name"},
    {"HugepageLimit", "page_size"},
};

/// The same for JSON, where the first of these that a row has is its name.
constexpr std::string_view kJsonRowKeys[] = {"container_path", "destination", "name", "type",
                                             "path"};

/// Lists whose order says nothing.
constexpr std::string_view kUnordered[] = {"repo_tags", "repo_digests", "supplemental_groups",
                                           "add_capabilities", "drop_capabilities"};

bool IsUnordered(std::string_view name) {
  return std::find(std::begin(kUnordered), std::end(kUnordered), name) != std::end(kUnordered);
}

std::string Listed(std::vector<std::string> values, bool unordered) {
  if (unordered) std::sort(values.begin(), values.end());
  return fmt::format("[{}]", fmt::join(values, ", "));
}

/// A path that is free: the second row of one name is "name#2".
std::string FreePath(const std::string& path, const std::string& key,
                     std::map<std::string, int>* seen) {
  const int count = ++(*seen)[key];
  return count == 1 ? fmt::format("{}[{}]", path, key) : fmt::format("{}[{}#{}]", path, key, count);
}

class Walker {
 public:
  explicit Walker(Leaves* leaves) : leaves_(*leaves) {}

  void Walk(const std::string& path, const Message& message) {
    // A wrapped number is a number, where it is there.
    if (IsWrapper(message)) {
      leaves_[path] = Scalar(message, message.GetDescriptor()->field(0));
      return;
    }
    std::vector<const FieldDescriptor*> fields;
    message.GetReflection()->ListFields(message, &fields);
    for (const auto* field : fields) WalkField(path, message, field);
    if (fields.empty()) leaves_[path] = "{}";
  }

 private:
  static bool IsWrapper(const Message& message) {
    const auto& name = message.GetDescriptor()->name();
    return name == "UInt64Value" || name == "Int64Value";
  }

  void WalkField(const std::string& parent, const Message& message, const FieldDescriptor* field) {
    const std::string path = parent + "." + field->name();
    if (field->is_map()) {
      WalkMap(path, message, field);
    } else if (field->is_repeated()) {
      WalkList(path, message, field);
    } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      Walk(path, message.GetReflection()->GetMessage(message, field));
    } else {
      leaves_[path] = Scalar(message, field);
    }
  }

  /// CRI's maps are all from text to text.
  void WalkMap(const std::string& path, const Message& message, const FieldDescriptor* field) {
    const auto* reflection = message.GetReflection();
    for (int i = 0; i < reflection->FieldSize(message, field); ++i) {
      const auto& entry = reflection->GetRepeatedMessage(message, field, i);
      const auto* type = entry.GetDescriptor();
      const std::string key = Scalar(entry, type->FindFieldByName("key"));
      const std::string value = Scalar(entry, type->FindFieldByName("value"));
      if (field->name() == "info") {
        FlattenJson(path + "." + key, value, &leaves_);
      } else {
        leaves_[fmt::format("{}[{}]", path, key)] = value;
      }
    }
  }

  void WalkList(const std::string& path, const Message& message, const FieldDescriptor* field) {
    const auto* reflection = message.GetReflection();
    const int size = reflection->FieldSize(message, field);
    if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) {
      std::vector<std::string> values;
      for (int i = 0; i < size; ++i) values.push_back(Item(message, field, i));
      leaves_[path] = Listed(std::move(values), IsUnordered(field->name()));
      return;
    }
    std::map<std::string, int> seen;
    for (int i = 0; i < size; ++i) {
      const auto& row = reflection->GetRepeatedMessage(message, field, i);
      Walk(FreePath(path, KeyOf(row).value_or(std::to_string(i)), &seen), row);
    }
  }

  static std::optional<std::string> KeyOf(const Message& row) {
    for (const auto& [name, field] : kRowKeys) {
      if (row.GetDescriptor()->name() == name) return FieldAt(row, field);
    }
    return std::nullopt;
  }

  static std::optional<std::string> FieldAt(const Message& message, std::string_view path) {
    const auto dot = path.find('.');
    const auto* field = message.GetDescriptor()->FindFieldByName(std::string(path.substr(0, dot)));
    if (field == nullptr) return std::nullopt;
    if (dot == std::string_view::npos) return Scalar(message, field);
    return FieldAt(message.GetReflection()->GetMessage(message, field), path.substr(dot + 1));
  }

  static std::string Scalar(const Message& message, const FieldDescriptor* field) {
    const auto* reflection = message.GetReflection();
    switch (field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_BOOL:
        return reflection->GetBool(message, field) ? "true" : "false";
      case FieldDescriptor::CPPTYPE_INT32:
        return std::to_string(reflection->GetInt32(message, field));
      case FieldDescriptor::CPPTYPE_INT64:
        return std::to_string(reflection->GetInt64(message, field));
      case FieldDescriptor::CPPTYPE_UINT32:
        return std::to_string(reflection->GetUInt32(message, field));
      case FieldDescriptor::CPPTYPE_UINT64:
        return std::to_string(reflection->GetUInt64(message, field));
      case FieldDescriptor::CPPTYPE_DOUBLE:
        return fmt::to_string(reflection->GetDouble(message, field));
      case FieldDescriptor::CPPTYPE_FLOAT:
        return fmt::to_string(reflection->GetFloat(message, field));
      case FieldDescriptor::CPPTYPE_ENUM:
        return EnumName(field, reflection->GetEnumValue(message, field));
      case FieldDescriptor::CPPTYPE_STRING:
        return reflection->GetString(message, field);
      case FieldDescriptor::CPPTYPE_MESSAGE:
        break;
    }
    return {};
  }

  static std::string Item(const Message& message, const FieldDescriptor* field, int index) {
    const auto* reflection = message.GetReflection();
    switch (field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_INT32:
        return std::to_string(reflection->GetRepeatedInt32(message, field, index));
      case FieldDescriptor::CPPTYPE_INT64:
        return std::to_string(reflection->GetRepeatedInt64(message, field, index));
      case FieldDescriptor::CPPTYPE_STRING:
        return reflection->GetRepeatedString(message, field, index);
      default:  // CRI has no other lists; a test walks its definition
        return "?";
    }
  }

  /// A value that this program does not know shows as its number.
  static std::string EnumName(const FieldDescriptor* field, int number) {
    const auto* value = field->enum_type()->FindValueByNumber(number);
    return value != nullptr ? value->name() : std::to_string(number);
  }

  Leaves& leaves_;
};

std::string JsonScalar(const Json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

std::string JsonKey(const Json& row, std::size_t place) {
  for (const auto key : kJsonRowKeys) {
    const auto found = row.find(key);
    if (found != row.end() && found->is_string()) return found->get<std::string>();
  }
  return std::to_string(place);
}

void WalkJson(const std::string& path, const Json& value, Leaves* leaves) {
  if (value.is_object()) {
    for (const auto& [key, item] : value.items()) {
      // Keys with dots, as labels have, are told from the path by brackets.
      const bool plain = key.find_first_of("./") == std::string::npos;
      WalkJson(plain ? path + "." + key : fmt::format("{}[{}]", path, key), item, leaves);
    }
    if (value.empty()) (*leaves)[path] = "{}";
    return;
  }
  if (!value.is_array()) {
    (*leaves)[path] = JsonScalar(value);
    return;
  }
  const bool plain = std::none_of(value.begin(), value.end(),
                                  [](const Json& item) { return item.is_structured(); });
  if (plain) {
    std::vector<std::string> values;
    for (const auto& item : value) values.push_back(JsonScalar(item));
    (*leaves)[path] = Listed(std::move(values), false);
    return;
  }
  std::map<std::string, int> seen;
  for (std::size_t i = 0; i < value.size(); ++i) {
    WalkJson(FreePath(path, JsonKey(value[i], i), &seen), value[i], leaves);
  }
}

}  // namespace

Leaves Flatten(const Message& message) {
  std::string root = message.GetDescriptor()->name();
  constexpr std::string_view kAnswer = "Response";
  if (root.ends_with(kAnswer)) root.resize(root.size() - kAnswer.size());
  Leaves leaves;
  Walker(&leaves).Walk(root, message);
  return leaves;
}

void FlattenJson(const std::string& path, std::string_view text, Leaves* leaves) {
  const Json value = Json::parse(text, nullptr, false);
  if (value.is_discarded()) {
    (*leaves)[path] = std::string(text);
  } else {
    WalkJson(path, value, leaves);
  }
}

}  // namespace dockershimd::compare
