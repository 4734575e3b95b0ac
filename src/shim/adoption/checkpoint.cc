#include "shim/adoption/checkpoint.h"

#include <fmt/format.h>

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string_view>

#include "shim/translate/sandbox.h"

namespace dockershimd::shim::adoption {
namespace {

using runtime::v1::PodSandboxConfig;
using translate::ProtocolName;
using translate::UsesHostNetwork;

std::uint32_t Fnv1a(std::string_view text) {
  constexpr std::uint32_t kBasis = 2166136261;
  constexpr std::uint32_t kPrime = 16777619;
  std::uint32_t hash = kBasis;
  for (const char byte : text) {
    hash ^= static_cast<std::uint8_t>(byte);
    hash *= kPrime;
  }
  return hash;
}

/// The checksum is taken of the data as the Go library spew prints it for cri-dockerd's types,
/// not of the JSON.
std::string Printed(const PodSandboxConfig& config) {
  std::string ports;
  for (const auto& mapping : config.port_mappings()) {
    ports += fmt::format(
        "{}<*>{{Protocol:(*config.Protocol){} ContainerPort:(*int32){} HostPort:(*int32){} "
        "HostIP:(string){}}}",
        ports.empty() ? "" : " ", ProtocolName(mapping.protocol()), mapping.container_port(),
        mapping.host_port(), mapping.host_ip());
  }
  return fmt::format(
      "(core.CheckpointData){{PortMappings:([]*config.PortMapping){} HostNetwork:(bool){}}}",
      ports.empty() ? "<nil>" : "[" + ports + "]", UsesHostNetwork(config));
}

nlohmann::ordered_json Data(const PodSandboxConfig& config) {
  auto data = nlohmann::ordered_json::object();
  for (const auto& mapping : config.port_mappings()) {
    nlohmann::ordered_json port = {{"protocol", ProtocolName(mapping.protocol())},
                                   {"container_port", mapping.container_port()},
                                   {"host_port", mapping.host_port()}};
    if (!mapping.host_ip().empty()) port["host_ip"] = mapping.host_ip();
    data["port_mappings"].push_back(std::move(port));
  }
  if (UsesHostNetwork(config)) data["host_network"] = true;
  return data;
}

}  // namespace

std::string CriDockerdCheckpoint(const PodSandboxConfig& config) {
  const nlohmann::ordered_json checkpoint = {{"version", "v1"},
                                             {"name", config.metadata().name()},
                                             {"namespace", config.metadata().namespace_()},
                                             {"data", Data(config)},
                                             {"checksum", Fnv1a(Printed(config))}};
  return checkpoint.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace dockershimd::shim::adoption
