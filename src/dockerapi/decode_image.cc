#include "dockerapi/decode.h"
#include "dockerapi/json_util.h"

namespace dockershimd::dockerapi {
namespace {

using base::Code;
using base::Fail;
using base::Result;

/// Without Docker's placeholders for an image that has no name.
std::vector<std::string> NamesOf(const Json& object, const char* member) {
  auto names = StringsOf(object, member);
  std::erase_if(names, [](const std::string& name) { return name.starts_with("<none>"); });
  return names;
}

std::vector<std::string> KeysOf(const Json& json) {
  std::vector<std::string> keys;
  if (!json.is_object()) return keys;
  for (const auto& [key, value] : json.items()) keys.push_back(key);
  return keys;
}

/// What went wrong in the midst of a pull comes as text with, at best, an HTTP status.
base::Error PullError(const Json& json, const std::string& text) {
  const Json& detail = Member(json, "errorDetail");
  switch (IntOf(detail, "code")) {
    case 401:
      return {Code::kUnauthenticated, text, 401};
    case 403:
      return {Code::kPermissionDenied, text, 403};
    case 404:
      return {Code::kNotFound, text, 404};
    default:
      return {Code::kInternal, text, {}};
  }
}

}  // namespace

Result<std::vector<ImageSummary>> DecodeImageList(std::string_view body) {
  const auto json = ParseJson(body, "list images");
  if (!json) return Fail(json.error());
  if (!json->is_array()) {
    return Fail(Code::kInternal, "list images: Docker's answer is not a list");
  }
  std::vector<ImageSummary> images;
  for (const Json& item : *json) {
    images.push_back({StringOf(item, "Id"), NamesOf(item, "RepoTags"), NamesOf(item, "RepoDigests"),
                      IntOf(item, "Size"), IntOf(item, "Created"), StringMapOf(item, "Labels")});
  }
  return images;
}

Result<ImageDetails> DecodeImage(std::string_view body) {
  const auto json = ParseJson(body, "inspect image");
  if (!json) return Fail(json.error());
  ImageDetails image;
  image.id = StringOf(*json, "Id");
  if (image.id.empty()) return Fail(Code::kInternal, "inspect image: Docker's answer has no Id");
  image.repo_tags = NamesOf(*json, "RepoTags");
  image.repo_digests = NamesOf(*json, "RepoDigests");
  image.size_bytes = IntOf(*json, "Size");
  image.architecture = StringOf(*json, "Architecture");
  image.os = StringOf(*json, "Os");
  const Json& config = Member(*json, "Config");
  image.user = StringOf(config, "User");
  image.working_dir = StringOf(config, "WorkingDir");
  image.stop_signal = StringOf(config, "StopSignal");
  image.environment = StringsOf(config, "Env");
  image.entrypoint = StringsOf(config, "Entrypoint");
  image.command = StringsOf(config, "Cmd");
  image.volumes = KeysOf(Member(config, "Volumes"));
  image.labels = StringMapOf(config, "Labels");
  image.graph_driver_data = StringMapOf(Member(*json, "GraphDriver"), "Data");
  return image;
}

Result<Progress> DecodeProgress(std::string_view line) {
  const auto json = ParseJson(line, "progress");
  if (!json) return Fail(json.error());
  std::string error = StringOf(*json, "error");
  if (error.empty()) error = StringOf(Member(*json, "errorDetail"), "message");
  if (!error.empty()) return Fail(PullError(*json, error));
  const Json& detail = Member(*json, "progressDetail");
  return Progress{StringOf(*json, "id"), StringOf(*json, "status"), IntOf(detail, "current"),
                  IntOf(detail, "total")};
}

Result<std::string> DecodeMember(std::string_view body, const char* name) {
  const auto json = ParseJson(body, "answer");
  if (!json) return Fail(json.error());
  std::string value = StringOf(*json, name);
  if (value.empty()) return Fail(Code::kInternal, "Docker's answer has no {}", name);
  return value;
}

}  // namespace dockershimd::dockerapi
