#pragma once

#include <google/protobuf/message.h>

#include <map>
#include <string>
#include <string_view>

namespace dockershimd::compare {

/// What a message says, leaf by leaf: the path of each value that is set, and the value as text.
///
///   ContainerStatus.status.mounts[/data].readonly = true
///
/// The path begins with the RPC's name. Rows of a list are named by what tells them apart (a
/// mount by its path in the container), else by their place; lists of plain values are one leaf.
/// JSON in verbose info is taken apart in the same way.
using Leaves = std::map<std::string, std::string>;

[[nodiscard]] Leaves Flatten(const google::protobuf::Message& message);

/// The leaves of one JSON document; text that is none is one leaf at `path`.
void FlattenJson(const std::string& path, std::string_view text, Leaves* leaves);

}  // namespace dockershimd::compare
