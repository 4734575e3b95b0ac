#include "shim/network/cni_json.h"

#include <nlohmann/json.hpp>

namespace dockershimd::shim::network {
namespace {

using base::Code;
using base::Fail;
using Json = nlohmann::json;

std::string Dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json PortsJson(const std::vector<PortMapping>& ports) {
  Json list = Json::array();
  for (const auto& port : ports) {
    list.push_back({{"hostPort", port.host_port},
                    {"containerPort", port.container_port},
                    {"protocol", port.protocol},
                    {"hostIP", port.host_ip}});
  }
  return list;
}

Json BandwidthJson(const Bandwidth& bandwidth) {
  Json json = Json::object();
  if (bandwidth.ingress_rate != 0) {
    json["ingressRate"] = bandwidth.ingress_rate;
    json["ingressBurst"] = bandwidth.ingress_burst;
  }
  if (bandwidth.egress_rate != 0) {
    json["egressRate"] = bandwidth.egress_rate;
    json["egressBurst"] = bandwidth.egress_burst;
  }
  return json;
}

/// The plugin's own configuration as the list's name and version make it complete.
Json BaseInput(const CniConfig& config, const CniPlugin& plugin) {
  Json input = Json::parse(plugin.config, nullptr, false);
  if (!input.is_object()) input = Json::object();
  input["name"] = config.name;
  input["cniVersion"] = config.version;
  input.erase("capabilities");
  input.erase("cniVersions");
  return input;
}

/// "10.0.0.5/24" -> "10.0.0.5".
void AddAddress(const Json& holder, const char* member, std::vector<std::string>* addresses) {
  if (!holder.is_object()) return;
  const auto found = holder.find(member);
  if (found == holder.end() || !found->is_string()) return;
  const auto& text = found->get_ref<const std::string&>();
  addresses->push_back(text.substr(0, text.find('/')));
}

}  // namespace

std::string CapabilityArgs(const PodNetworkRequest& request,
                           const std::vector<std::string>& pod_cidrs) {
  Json json = Json::object();
  if (!request.ports.empty()) json["portMappings"] = PortsJson(request.ports);
  if (auto bandwidth = BandwidthJson(request.bandwidth); !bandwidth.empty()) {
    json["bandwidth"] = std::move(bandwidth);
  }
  for (const auto& cidr : pod_cidrs) {
    json["ipRanges"].push_back(Json::array({{{"subnet", cidr}}}));
  }
  if (!request.dns.servers.empty() || !request.dns.searches.empty() ||
      !request.dns.options.empty()) {
    json["dns"] = {{"servers", request.dns.servers},
                   {"searches", request.dns.searches},
                   {"options", request.dns.options}};
  }
  if (!request.cgroup_path.empty()) json["cgroupPath"] = request.cgroup_path;
  if (!request.annotations.empty()) {
    json["io.kubernetes.cri.pod-annotations"] = request.annotations;
  }
  return Dump(json);
}

std::string PluginInput(const CniConfig& config, const CniPlugin& plugin,
                        const std::string& capability_args, const std::string& previous_result) {
  Json input = BaseInput(config, plugin);
  const Json values = Json::parse(capability_args, nullptr, false);
  for (const auto& capability : plugin.capabilities) {
    if (values.is_object() && values.contains(capability)) {
      input["runtimeConfig"][capability] = values[capability];
    }
  }
  if (!previous_result.empty()) input["prevResult"] = Json::parse(previous_result, nullptr, false);
  return Dump(input);
}

std::string NodeInput(
    const CniConfig& config, const CniPlugin& plugin,
    const std::optional<std::vector<std::pair<std::string, std::string>>>& attachments) {
  Json input = BaseInput(config, plugin);
  if (!attachments) return Dump(input);
  Json valid = Json::array();
  for (const auto& [container_id, interface] : *attachments) {
    valid.push_back({{"containerID", container_id}, {"ifname", interface}});
  }
  input["cni.dev/valid-attachments"] = std::move(valid);
  return Dump(input);
}

base::Result<std::vector<std::string>> AddressesOfResult(std::string_view result) {
  const Json json = Json::parse(result, nullptr, false);
  if (!json.is_object()) return Fail(Code::kInternal, "the plugin's result is not a JSON object");
  std::vector<std::string> addresses;
  if (const auto ips = json.find("ips"); ips != json.end() && ips->is_array()) {
    for (const Json& ip : *ips) AddAddress(ip, "address", &addresses);
  }
  // Results before 0.3.0 have one address of each family.
  for (const char* family : {"ip4", "ip6"}) {
    if (json.contains(family)) AddAddress(json[family], "ip", &addresses);
  }
  return addresses;
}

}  // namespace dockershimd::shim::network
