#include <fmt/format.h>
#include <google/protobuf/descriptor.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>

#include "cri/runtime/v1/api.pb.h"

namespace dockershimd {
namespace {

using google::protobuf::Descriptor;

/// "Message.field" or "Message.*" -> what becomes of it, from the tables of docs/fields.md.
std::map<std::string, std::string> Table() {
  std::map<std::string, std::string> entries;
  std::ifstream file(DOCKERSHIMD_FIELDS_TABLE);
  EXPECT_TRUE(file) << DOCKERSHIMD_FIELDS_TABLE;
  for (std::string line; std::getline(file, line);) {
    // | `Message.field` | word | note |
    if (!line.starts_with("| `")) continue;
    const auto end = line.find('`', 3);
    const auto word = line.find("| ", end) + 2;
    const std::string name = line.substr(3, end - 3);
    EXPECT_TRUE(entries.emplace(name, line.substr(word, line.find(" |", word) - word)).second)
        << name << " is there twice";
  }
  return entries;
}

std::set<std::string> Fields() {
  std::set<std::string> names;
  const auto& file = *runtime::v1::VersionRequest::descriptor()->file();
  for (int i = 0; i < file.message_type_count(); ++i) {
    const Descriptor& message = *file.message_type(i);
    for (int k = 0; k < message.field_count(); ++k) {
      names.insert(message.name() + "." + message.field(k)->name());
    }
  }
  return names;
}

/// What covers a field of the whole message.
std::string Whole(const std::string& field) { return field.substr(0, field.find('.')) + ".*"; }

TEST(Fields, EachHasAnEntry) {
  const auto table = Table();
  EXPECT_GT(table.size(), 200U);
  for (const auto& field : Fields()) {
    EXPECT_EQ(table.contains(field) + table.contains(Whole(field)), 1)
        << field << ": say in docs/fields.md what becomes of it, once";
  }
}

TEST(Fields, NoEntryIsStale) {
  const auto fields = Fields();
  std::set<std::string> known = fields;
  for (const auto& field : fields) known.insert(Whole(field));
  const std::set<std::string> words = {"honoured", "echoed", "filled", "refused", "not applicable"};
  for (const auto& [name, word] : Table()) {
    EXPECT_TRUE(known.contains(name)) << name << " is no field of api.proto";
    EXPECT_TRUE(words.contains(word)) << name << ": " << word;
  }
}

}  // namespace
}  // namespace dockershimd
