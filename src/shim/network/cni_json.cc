#include "shim/network/cni_json.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "shim/network/json_read.h"

namespace dockershimd::shim::network {
namespace {

using base::Code;
using base::Fail;
using Json = nlohmann::json;

constexpr std::size_t kShown = 200;

Json PortsJson(const std::vector<PortMapping>& ports) {
  Json list = Json::array();
  for (const auto& port : ports) {
    if (port.host_port == 0) continue;
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

/// One set of ranges for each CIDR: the plugin takes one address of each set.
Json RangesJson(const std::vector<std::string>& cidrs) {
  Json sets = Json::array();
  for (const auto& cidr : cidrs) sets.push_back(Json::array({Json{{"subnet", cidr}}}));
  return sets;
}

Json DnsJson(const DnsConfig& dns) {
  Json json = Json::object();
  if (!dns.servers.empty()) json["servers"] = dns.servers;
  if (!dns.searches.empty()) json["searches"] = dns.searches;
  if (!dns.options.empty()) json["options"] = dns.options;
  return json;
}

/// The plugin's own configuration as the list's name and version make it complete.
Json BaseInput(const CniConfig& config, const CniPlugin& plugin) {
  Json input = ReadJson(plugin.config);
  if (!input.is_object()) input = Json::object();
  input["name"] = config.name;
  input["cniVersion"] = config.version;
  input.erase("capabilities");
  input.erase("cniVersions");
  return input;
}

struct Addresses {
  std::vector<std::string> v4;
  std::vector<std::string> v6;

  /// "10.0.0.5/24" counts as "10.0.0.5". What is no address is not taken.
  void Add(std::string text) {
    std::array<unsigned char, 16> binary;
    text.resize(std::min(text.size(), text.find('/')));
    if (::inet_pton(AF_INET, text.c_str(), binary.data()) == 1) {
      v4.push_back(std::move(text));
    } else if (::inet_pton(AF_INET6, text.c_str(), binary.data()) == 1) {
      v6.push_back(std::move(text));
    }
  }

  std::vector<std::string> InOrder() && {
    v4.insert(v4.end(), v6.begin(), v6.end());
    return std::move(v4);
  }
};

/// An address names its interface by a place in the result's list of them. One that names none
/// belongs to the interface that was asked for.
bool IsOn(std::string_view interface, const Json& ip, const Json& result) {
  const auto index = ip.find("interface");
  const auto list = result.find("interfaces");
  if (index == ip.end() || !index->is_number_integer()) return true;
  if (list == result.end() || !list->is_array()) return true;
  const auto place = index->get<std::int64_t>();
  if (place < 0 || static_cast<std::uint64_t>(place) >= list->size()) return true;
  return TextMember((*list)[static_cast<std::size_t>(place)], "name") == interface;
}

void AddList(const Json& result, std::string_view interface, Addresses* addresses) {
  const auto ips = result.find("ips");
  if (ips == result.end() || !ips->is_array()) return;
  for (const Json& ip : *ips) {
    if (ip.is_object() && IsOn(interface, ip, result)) addresses->Add(TextMember(ip, "address"));
  }
}

/// Results before 0.3.0 have one address of each family.
void AddFamilies(const Json& result, Addresses* addresses) {
  for (const char* family : {"ip4", "ip6"}) {
    if (const auto ip = result.find(family); ip != result.end()) {
      addresses->Add(TextMember(*ip, "ip"));
    }
  }
}

}  // namespace

std::string CapabilityArgs(const PodNetworkRequest& request,
                           const std::vector<std::string>& pod_cidrs) {
  Json values = {{"portMappings", PortsJson(request.ports)},
                 {"bandwidth", BandwidthJson(request.bandwidth)},
                 {"ipRanges", RangesJson(pod_cidrs)},
                 {"dns", DnsJson(request.dns)},
                 {"io.kubernetes.cri.pod-annotations", request.annotations}};
  Json json = Json::object();
  for (auto& [name, value] : values.items()) {
    if (!value.empty()) json[name] = std::move(value);
  }
  if (!request.cgroup_path.empty()) json["cgroupPath"] = request.cgroup_path;
  return JsonText(json);
}

std::string PluginInput(const CniConfig& config, const CniPlugin& plugin,
                        const std::string& capability_args, const std::string& previous_result) {
  Json input = BaseInput(config, plugin);
  const Json values = ReadJson(capability_args);
  Json runtime = Json::object();
  for (const auto& capability : plugin.capabilities) {
    if (values.is_object() && values.contains(capability)) runtime[capability] = values[capability];
  }
  if (!runtime.empty()) input["runtimeConfig"] = std::move(runtime);
  Json previous = ReadJson(previous_result);
  if (previous.is_object()) input["prevResult"] = std::move(previous);
  return JsonText(input);
}

std::string GarbageInput(const CniConfig& config, const CniPlugin& plugin,
                         const CniAttachmentNames& valid) {
  Json attachments = Json::array();
  for (const auto& [container_id, interface] : valid) {
    attachments.push_back({{"containerID", container_id}, {"ifname", interface}});
  }
  Json input = BaseInput(config, plugin);
  // The spec has used both names.
  input["cni.dev/attachments"] = attachments;
  input["cni.dev/valid-attachments"] = std::move(attachments);
  return JsonText(input);
}

base::Result<std::string> ReadResult(const CniConfig& config, std::string_view printed) {
  Json json = ReadJson(printed);
  if (!json.is_object()) {
    return Fail(Code::kInternal, "the result is not a JSON object: '{}'",
                printed.substr(0, kShown));
  }
  if (TextMember(json, "cniVersion").empty()) json["cniVersion"] = config.version;
  return JsonText(json);
}

std::vector<std::string> AddressesOfResult(std::string_view result, std::string_view interface) {
  const Json json = ReadJson(result);
  Addresses addresses;
  if (json.is_object()) {
    AddList(json, interface, &addresses);
    AddFamilies(json, &addresses);
  }
  return std::move(addresses).InOrder();
}

}  // namespace dockershimd::shim::network
