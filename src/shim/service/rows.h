#pragma once

#include <google/protobuf/message.h>

#include <string>
#include <vector>

namespace dockershimd::shim::service {

// All of CRI's lists, and the streams of the same things, have their items in field 1. A list is
// asked for all the time and a node's rows hardly change, so rows are encoded when they change, not
// when they are asked for (those of stats: by the threads that made them). A response takes them as
// they are, as a field that its own class does not look into. On the wire it is the same.

/// Adds an encoded row to a list's response. It can be read only from the other end of the wire.
void AddEncodedRow(std::string row, google::protobuf::Message* list);

/// The rows of a list's response, encoded, however they were added.
[[nodiscard]] std::vector<std::string> EncodedRows(const google::protobuf::Message& list);

}  // namespace dockershimd::shim::service
