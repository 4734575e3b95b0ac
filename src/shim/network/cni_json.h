#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "shim/network/cni_config.h"
#include "shim/network/pod_network.h"

namespace dockershimd::shim::network {

/// Container id and interface of attachments.
using CniAttachmentNames = std::vector<std::pair<std::string, std::string>>;

/// The runtime values of all capabilities (portMappings, bandwidth, ipRanges, dns, ...) as one
/// JSON object; each plugin is later given those that it declares.
[[nodiscard]] std::string CapabilityArgs(const PodNetworkRequest& request,
                                         const std::vector<std::string>& pod_cidrs);

/// The standard input of one plugin: its own configuration with the list's name and version, the
/// result of the one before it, and the runtime values of the capabilities that it declares.
/// `capability_args` and `previous_result` may be empty.
[[nodiscard]] std::string PluginInput(const CniConfig& config, const CniPlugin& plugin,
                                      const std::string& capability_args,
                                      const std::string& previous_result);

/// The standard input of GC (CNI 1.1): all attachments that are not garbage.
[[nodiscard]] std::string GarbageInput(const CniConfig& config, const CniPlugin& plugin,
                                       const CniAttachmentNames& valid);

/// What ADD printed, made ready to be passed on: a JSON object with a version.
[[nodiscard]] base::Result<std::string> ReadResult(const CniConfig& config,
                                                   std::string_view printed);

/// The addresses of an interface in a result of any version from 0.1.0 to 1.1.0, without their
/// prefix lengths: IPv4 first, otherwise in the plugins' order.
[[nodiscard]] std::vector<std::string> AddressesOfResult(std::string_view result,
                                                         std::string_view interface);

}  // namespace dockershimd::shim::network
