#include "shim/network/cni_cache.h"

#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "base/file.h"
#include "base/log.h"

namespace dockershimd::shim::network {
namespace {

using base::Code;
using base::Fail;
using Json = nlohmann::json;

constexpr std::string_view kKind = "cniCacheV1";
/// A member that libcni passes over.
constexpr std::string_view kOwner = "dockershimd";

std::string TextOf(const Json& json, const char* name) {
  const auto found = json.find(name);
  return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::string ObjectOf(const Json& json, const char* name) {
  const auto found = json.find(name);
  return found != json.end() && found->is_object() ? found->dump() : std::string();
}

/// "K=V;K=V" as libcni's list of pairs.
Json ArgPairs(std::string_view args) {
  Json pairs = Json::array();
  while (!args.empty()) {
    const auto part = args.substr(0, args.find(';'));
    args.remove_prefix(std::min(args.size(), part.size() + 1));
    const auto equals = part.find('=');
    if (equals == std::string_view::npos) continue;
    pairs.push_back({part.substr(0, equals), part.substr(equals + 1)});
  }
  return pairs;
}

std::string JoinPairs(const Json& pairs) {
  std::string args;
  if (!pairs.is_array()) return args;
  for (const Json& pair : pairs) {
    if (!pair.is_array() || pair.size() != 2 || !pair[0].is_string() || !pair[1].is_string()) {
      continue;
    }
    if (!args.empty()) args += ';';
    args += pair[0].get<std::string>() + "=" + pair[1].get<std::string>();
  }
  return args;
}

}  // namespace

std::string EncodeAttachment(const CniAttachment& attachment) {
  Json json = {{"kind", kKind},
               {"containerId", attachment.container_id},
               {"config", base::Base64Encode(attachment.config)},
               {"ifName", attachment.interface},
               {"networkName", attachment.network},
               {"netns", attachment.netns},
               {"cniArgs", ArgPairs(attachment.args)},
               {"runtime", kOwner}};
  if (!attachment.capabilities.empty()) {
    json["capabilityArgs"] = Json::parse(attachment.capabilities, nullptr, false);
  }
  if (!attachment.result.empty()) json["result"] = Json::parse(attachment.result, nullptr, false);
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

base::Result<CniAttachment> DecodeAttachment(std::string_view text) {
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object() || TextOf(json, "kind") != kKind) {
    return Fail(Code::kInternal, "not a cached CNI result");
  }
  CniAttachment attachment;
  attachment.network = TextOf(json, "networkName");
  attachment.container_id = TextOf(json, "containerId");
  attachment.interface = TextOf(json, "ifName");
  attachment.netns = TextOf(json, "netns");
  attachment.args = json.contains("cniArgs") ? JoinPairs(json["cniArgs"]) : "";
  attachment.capabilities = ObjectOf(json, "capabilityArgs");
  attachment.result = ObjectOf(json, "result");
  attachment.ours = TextOf(json, "runtime") == kOwner;
  auto config = base::Base64Decode(TextOf(json, "config"));
  if (!config) return Fail(config.error(), "cached CNI result: config");
  attachment.config = std::move(*config);
  if (attachment.container_id.empty() || attachment.network.empty()) {
    return Fail(Code::kInternal, "cached CNI result without network or container");
  }
  return attachment;
}

std::filesystem::path CniCache::FileOf(const CniAttachment& attachment) const {
  return folder_ /
         fmt::format("{}-{}-{}", attachment.network, attachment.container_id, attachment.interface);
}

base::Status CniCache::Save(const CniAttachment& attachment) const {
  if (auto made = base::MakeDirectories(folder_, 0700); !made) return made;
  return base::WriteFileAtomically(FileOf(attachment), EncodeAttachment(attachment));
}

void CniCache::Remove(const CniAttachment& attachment) const {
  std::error_code ignored;
  std::filesystem::remove(FileOf(attachment), ignored);
}

std::vector<CniAttachment> CniCache::Read(std::string_view name_part) const {
  std::vector<CniAttachment> attachments;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(folder_, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (name.find(name_part) == std::string::npos) continue;
    const auto text = base::ReadFile(entry->path());
    auto attachment = text ? DecodeAttachment(*text) : Fail(text.error());
    if (attachment) {
      attachments.push_back(std::move(*attachment));
    } else if (attachment.error().code != Code::kNotFound) {
      spdlog::warn("{}: {}", entry->path().string(), attachment.error().message);
    }
  }
  return attachments;
}

std::vector<CniAttachment> CniCache::Find(const std::string& container_id) const {
  auto attachments = Read(fmt::format("-{}-", container_id));
  std::erase_if(attachments, [&](const CniAttachment& attachment) {
    return attachment.container_id != container_id;
  });
  return attachments;
}

std::vector<CniAttachment> CniCache::All() const { return Read(""); }

}  // namespace dockershimd::shim::network
