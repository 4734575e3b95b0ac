#include "shim/service/rows.h"

#include <google/protobuf/unknown_field_set.h>

#include <utility>

namespace dockershimd::shim::service {
namespace {

constexpr int kItems = 1;

}  // namespace

void AddEncodedRow(std::string row, google::protobuf::Message* list) {
  *list->GetReflection()->MutableUnknownFields(list)->AddLengthDelimited(kItems) = std::move(row);
}

std::vector<std::string> EncodedRows(const google::protobuf::Message& list) {
  google::protobuf::UnknownFieldSet fields;
  std::vector<std::string> rows;
  if (!fields.ParseFromString(list.SerializeAsString())) return rows;
  for (int i = 0; i < fields.field_count(); ++i) {
    auto& field = *fields.mutable_field(i);
    if (field.number() == kItems) rows.push_back(std::move(*field.mutable_length_delimited()));
  }
  return rows;
}

}  // namespace dockershimd::shim::service
