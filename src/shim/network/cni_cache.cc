#include "shim/network/cni_cache.h"

#include <chrono>
#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "base/log.h"
#include "shim/network/cni_config.h"
#include "shim/network/json_read.h"

namespace dockershimd::shim::network {
namespace {

using base::Code;
using base::Fail;
using Json = nlohmann::json;

constexpr std::string_view kKind = "cniCacheV1";
/// The value of a member that libcni passes over.
constexpr std::string_view kOwner = "dockershimd";

std::string ObjectMember(const Json& json, const char* name) {
  const auto found = json.find(name);
  return found != json.end() && found->is_object() ? JsonText(*found) : std::string();
}

void PutObject(const char* name, const std::string& text, Json* json) {
  Json value = ReadJson(text);
  if (value.is_object()) (*json)[name] = std::move(value);
}

/// "K=V;K=V" as libcni's list of pairs.
Json ArgPairs(std::string_view args) {
  Json pairs = Json::array();
  while (!args.empty()) {
    const auto part = args.substr(0, args.find(';'));
    args.remove_prefix(std::min(args.size(), part.size() + 1));
    const auto equals = part.find('=');
    if (equals == std::string_view::npos) continue;
    pairs.push_back(Json::array({part.substr(0, equals), part.substr(equals + 1)}));
  }
  return pairs;
}

std::string JoinPairs(const Json& json) {
  std::string args;
  const auto pairs = json.find("cniArgs");
  if (pairs == json.end() || !pairs->is_array()) return args;
  for (const Json& pair : *pairs) {
    const bool fine =
        pair.is_array() && pair.size() == 2 && pair[0].is_string() && pair[1].is_string();
    if (!fine) continue;
    if (!args.empty()) args += ';';
    args += pair[0].get<std::string>() + "=" + pair[1].get<std::string>();
  }
  return args;
}

std::string FileName(const std::string& network, const std::string& container_id,
                     const std::string& interface) {
  return fmt::format("{}-{}-{}", network, container_id, interface);
}

std::string FileName(const CniAttachment& attachment) {
  return FileName(attachment.network, attachment.container_id, attachment.interface);
}

/// Calls `visit` with each file's path; a folder that is not there has none.
template <class Visit>
void ForEachFile(const std::filesystem::path& folder, Visit visit) {
  std::error_code error;
  for (std::filesystem::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    visit(entry->path());
  }
}

/// Whether this is a file of ours on its way to its place (base::WriteFileAtomically).
bool IsTemporary(const std::filesystem::path& file) {
  constexpr std::size_t kRandomExtension = 7;  // ".XXXXXX"
  return file.extension().string().size() == kRandomExtension &&
         file.stem().string().ends_with("-eth0");
}

/// kNotFound also for what was on its way to replace the real file when a crash came.
base::Result<CniAttachment> ReadEntry(const std::filesystem::path& file) {
  if (IsTemporary(file)) return Fail(Code::kNotFound, "not finished");
  const auto text = base::ReadFile(file);
  if (!text) return Fail(text.error());
  auto attachment = DecodeAttachment(*text);
  if (!attachment) return attachment;
  if (FileName(*attachment) != file.filename().string()) {
    return Fail(Code::kInternal, "the name is not that of the cached CNI result in it");
  }
  attachment->file = file;
  return attachment;
}

/// Whether a crash left this: nobody writes one file for so long.
bool IsLeftover(const std::filesystem::path& file) {
  std::error_code error;
  const auto written = std::filesystem::last_write_time(file, error);
  const auto age = std::filesystem::file_time_type::clock::now() - written;
  return !error && IsTemporary(file) && age > std::chrono::minutes(1);
}

}  // namespace

std::string EncodeAttachment(const CniAttachment& attachment) {
  Json json = {{"kind", kKind},
               {"containerId", attachment.container_id},
               {"config", base::Base64Encode(attachment.config)},
               {"ifName", attachment.interface},
               {"networkName", attachment.network},
               {"netns", attachment.netns},
               {"cniArgs", ArgPairs(attachment.args)}};
  if (attachment.ours) json["runtime"] = kOwner;
  PutObject("capabilityArgs", attachment.capabilities, &json);
  PutObject("result", attachment.result, &json);
  PutObject("partialResult", attachment.partial_result, &json);
  return JsonText(json);
}

base::Result<CniAttachment> DecodeAttachment(std::string_view text) {
  const Json json = ReadJson(text);
  if (!json.is_object() || TextMember(json, "kind") != kKind) {
    return Fail(Code::kInternal, "not a cached CNI result");
  }
  CniAttachment attachment;
  attachment.network = TextMember(json, "networkName");
  attachment.container_id = TextMember(json, "containerId");
  attachment.interface = TextMember(json, "ifName");
  attachment.netns = TextMember(json, "netns");
  attachment.args = JoinPairs(json);
  attachment.capabilities = ObjectMember(json, "capabilityArgs");
  attachment.result = ObjectMember(json, "result");
  attachment.partial_result = ObjectMember(json, "partialResult");
  attachment.ours = TextMember(json, "runtime") == kOwner;
  auto config = base::Base64Decode(TextMember(json, "config"));
  if (!config) return Fail(config.error(), "cached CNI result: config");
  attachment.config = std::move(*config);
  if (!IsCniName(attachment.container_id) || !IsCniName(attachment.network) ||
      !IsCniName(attachment.interface)) {
    return Fail(Code::kInternal, "cached CNI result without network, container or interface");
  }
  return attachment;
}

std::filesystem::path CniCache::FileOf(const CniAttachment& attachment) const {
  return attachment.file.empty() ? folder_ / FileName(attachment) : attachment.file;
}

base::Status CniCache::Save(const CniAttachment& attachment, base::Durability durability) const {
  if (auto made = base::MakeDirectories(folder_, 0700); !made) return made;
  return base::WriteFileAtomically(FileOf(attachment), EncodeAttachment(attachment), durability);
}

base::Status CniCache::Remove(const CniAttachment& attachment) const {
  std::error_code error;
  std::filesystem::remove(FileOf(attachment), error);
  if (!error) return {};
  return Fail(base::ErrnoError(error.value(), "remove " + FileOf(attachment).string()));
}

bool CniCache::Has(const CniAttachment& attachment) const {
  std::error_code ignored;
  return std::filesystem::exists(FileOf(attachment), ignored);
}

std::optional<CniAttachment> CniCache::Find(const std::string& network,
                                            const std::string& container_id,
                                            const std::string& interface) const {
  const auto name = FileName(network, container_id, interface);
  for (const auto& folder : {folder_, former_folder_}) {
    if (auto attachment = ReadEntry(folder / name)) return std::move(*attachment);
  }
  return std::nullopt;
}

std::vector<CniAttachment> CniCache::Find(const std::string& container_id) const {
  std::vector<CniAttachment> attachments;
  const auto part = fmt::format("-{}-", container_id);
  const auto take = [&](const std::filesystem::path& file) {
    if (file.native().find(part) == std::string::npos) return;
    auto attachment = ReadEntry(file);
    if (attachment && attachment->container_id == container_id) {
      attachments.push_back(std::move(*attachment));
    }
  };
  ForEachFile(folder_, take);
  ForEachFile(former_folder_, take);
  return attachments;
}

std::vector<CniAttachment> CniCache::All() const {
  std::vector<CniAttachment> attachments;
  const auto take = [&](const std::filesystem::path& file) {
    auto attachment = ReadEntry(file);
    if (attachment) {
      attachments.push_back(std::move(*attachment));
    } else if (attachment.error().code != Code::kNotFound) {
      spdlog::warn("{} is passed over: {}", file.string(), attachment.error().message);
    }
  };
  ForEachFile(folder_, take);
  ForEachFile(former_folder_, take);
  return attachments;
}

void CniCache::RemoveLeftovers() const {
  ForEachFile(folder_, [](const std::filesystem::path& file) {
    std::error_code ignored;
    if (IsLeftover(file)) std::filesystem::remove(file, ignored);
  });
}

}  // namespace dockershimd::shim::network
