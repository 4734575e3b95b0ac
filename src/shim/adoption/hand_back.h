#pragma once

#include <filesystem>
#include <iosfwd>

#include "shim/config/config.h"

namespace dockershimd::shim::adoption {

/// `dockershimd hand-back`: prepares the pods on this node for cri-dockerd while no daemon of ours
/// runs. Each sandbox gets its checkpoint in `<root>/sandbox`, each container's log path leads to
/// Docker's own log file again, checkpoints of sandboxes that are gone are removed, and network
/// namespaces are no longer kept beyond their pods. Containers are not touched; may be repeated.
/// Says what it did on `out`. False after a failure, which is on `err`; what could be prepared then
/// is.
[[nodiscard]] bool HandBack(const config::Config& config, const std::filesystem::path& root,
                            std::ostream& out, std::ostream& err);

}  // namespace dockershimd::shim::adoption
