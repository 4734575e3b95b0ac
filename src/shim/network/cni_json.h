#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "shim/network/cni_config.h"
#include "shim/network/pod_network.h"

namespace dockershimd::shim::network {

/// The runtime values of all capabilities (portMappings, bandwidth, ipRanges, dns, ...) as one
/// JSON object; each plugin is later given those that it declares.
[[nodiscard]] std::string CapabilityArgs(const PodNetworkRequest& request,
                                         const std::vector<std::string>& pod_cidrs);

/// The standard input of one plugin: its own configuration with the list's name and version, the
/// result of the one before it, and the runtime values of the capabilities that it declares.
[[nodiscard]] std::string PluginInput(const CniConfig& config, const CniPlugin& plugin,
                                      const std::string& capability_args,
                                      const std::string& previous_result);

/// The standard input of STATUS and GC (CNI 1.1), which belong to no pod. `attachments` is given
/// for GC: pairs of container id and interface that are still valid.
[[nodiscard]] std::string NodeInput(
    const CniConfig& config, const CniPlugin& plugin,
    const std::optional<std::vector<std::pair<std::string, std::string>>>& attachments);

/// The addresses in a result of any version from 0.1.0 to 1.1.0, without their prefix lengths.
[[nodiscard]] base::Result<std::vector<std::string>> AddressesOfResult(std::string_view result);

}  // namespace dockershimd::shim::network
