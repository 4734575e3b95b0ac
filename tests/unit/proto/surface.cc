#include "surface.h"

#include <fmt/format.h>
#include <google/protobuf/descriptor.pb.h>

namespace dockershimd::testsupport {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::EnumDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::FileDescriptor;
using google::protobuf::ServiceDescriptor;
using Lines = std::set<std::string>;

/// Without the package.
template <class Type>
std::string NameOf(const Type& type) {
  return type.full_name().substr(type.file()->package().size() + 1);
}

std::string TypeOf(const FieldDescriptor& field) {
  if (field.is_map()) {
    const auto& entry = *field.message_type();
    return fmt::format("map<{},{}>", TypeOf(*entry.map_key()), TypeOf(*entry.map_value()));
  }
  if (field.message_type() != nullptr) return NameOf(*field.message_type());
  return field.enum_type() != nullptr ? NameOf(*field.enum_type()) : field.type_name();
}

void AddEnum(const EnumDescriptor& type, Lines& lines) {
  for (int i = 0; i < type.value_count(); ++i) {
    lines.insert(fmt::format("enum\t{}\t{}\t{}\t\t\t", NameOf(type), type.value(i)->name(),
                             type.value(i)->number()));
  }
}

void AddMessage(const Descriptor& type, Lines& lines) {
  if (type.options().map_entry()) return;
  if (type.field_count() == 0) {
    lines.insert(fmt::format("field\t{}\t-\t\t(empty message)\t\t", NameOf(type)));
  }
  for (int i = 0; i < type.field_count(); ++i) {
    const auto& field = *type.field(i);
    const auto* oneof = field.containing_oneof();
    lines.insert(fmt::format("field\t{}\t{}\t{}\t{}\t{}\t{}", NameOf(type), field.name(),
                             field.number(), TypeOf(field),
                             field.is_repeated() && !field.is_map() ? "repeated" : "",
                             oneof == nullptr ? "" : oneof->name()));
  }
  for (int i = 0; i < type.nested_type_count(); ++i) AddMessage(*type.nested_type(i), lines);
  for (int i = 0; i < type.enum_type_count(); ++i) AddEnum(*type.enum_type(i), lines);
}

void AddService(const ServiceDescriptor& service, Lines& lines) {
  for (int i = 0; i < service.method_count(); ++i) {
    const auto& method = *service.method(i);
    lines.insert(
        fmt::format("rpc\t{}\t{}\t\t{}{} -> {}{}\t\t", NameOf(service), method.name(),
                    method.client_streaming() ? "stream " : "", NameOf(*method.input_type()),
                    method.server_streaming() ? "stream " : "", NameOf(*method.output_type())));
  }
}

}  // namespace

Lines SurfaceOf(const FileDescriptor& file) {
  Lines lines;
  for (int i = 0; i < file.message_type_count(); ++i) AddMessage(*file.message_type(i), lines);
  for (int i = 0; i < file.enum_type_count(); ++i) AddEnum(*file.enum_type(i), lines);
  for (int i = 0; i < file.service_count(); ++i) AddService(*file.service(i), lines);
  return lines;
}

}  // namespace dockershimd::testsupport
