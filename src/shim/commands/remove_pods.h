#pragma once

#include <iosfwd>
#include <string>

namespace dockershimd::shim::commands {

/// `dockershimd remove-pods`: stops and removes every pod of the CRI runtime at `endpoint` (any
/// runtime), with their networks, for a node that changes over to another runtime. Several times
/// until none is left; false where some are after that.
[[nodiscard]] bool RemovePods(const std::string& endpoint, std::ostream& out, std::ostream& err);

}  // namespace dockershimd::shim::commands
