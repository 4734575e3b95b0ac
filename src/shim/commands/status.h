#pragma once

#include <iosfwd>
#include <string>

namespace dockershimd::shim::commands {

/// `dockershimd status`: asks the CRI runtime at `endpoint` (any runtime) how it is and which pods
/// it has, as text or as one JSON object. True when it says that it and its network are ready.
[[nodiscard]] bool ShowStatus(const std::string& endpoint, bool json, std::ostream& out,
                              std::ostream& err);

}  // namespace dockershimd::shim::commands
