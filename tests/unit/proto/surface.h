#pragma once

#include <google/protobuf/descriptor.h>

#include <set>
#include <string>

namespace dockershimd::testsupport {

/// All that two sides of a connection must agree on, one line for each RPC, field and enum value:
/// kind, owner, name, number, type, label, oneof, separated by tabs.
[[nodiscard]] std::set<std::string> SurfaceOf(const google::protobuf::FileDescriptor& file);

}  // namespace dockershimd::testsupport
