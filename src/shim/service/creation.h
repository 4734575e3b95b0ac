#pragma once

#include <functional>
#include <string>

#include "base/call_context.h"
#include "base/result.h"
#include "dockerapi/client.h"

namespace dockershimd::shim::service {

/// Removes a leftover that holds a name, or says why it must stay.
using StaleRemover = std::function<base::Status(const std::string& id)>;

/// Creates a container under its conventional name. Where the name is taken by a leftover of the
/// same pod (a crash between creation and answer), `remove_stale` makes room; where a stranger has
/// it, eight random hex digits are appended, as dockershim did. Returns the id.
[[nodiscard]] base::Result<std::string> CreateNamed(const base::CallContext& context,
                                                    dockerapi::Client& docker,
                                                    const std::string& name,
                                                    const dockerapi::ContainerSpec& spec,
                                                    const StaleRemover& remove_stale);

}  // namespace dockershimd::shim::service
