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

/// What a pull's failure means. It comes as text and, at best, the registry's HTTP status; without
/// one there are only the error names of the OCI distribution specification, and status lines, to
/// go by.
Code PullCode(std::int64_t status, std::string_view text) {
  if (status == 401) return Code::kUnauthenticated;
  if (status == 403) return Code::kPermissionDenied;
  if (status == 404) return Code::kNotFound;
  constexpr std::pair<std::string_view, Code> kNames[] = {
      {"unauthorized", Code::kUnauthenticated},
      {"authentication required", Code::kUnauthenticated},
      // How containerd's image store quotes the registry's status line.
      {"401 Unauthorized", Code::kUnauthenticated},
      {"403 Forbidden", Code::kPermissionDenied},
      {"no basic auth credentials", Code::kUnauthenticated},
      {"denied", Code::kPermissionDenied},
      {"manifest unknown", Code::kNotFound},
      {"name unknown", Code::kNotFound},
      {"no matching manifest", Code::kNotFound},
      {": not found", Code::kNotFound},
      {"toomanyrequests", Code::kResourceExhausted},
  };
  for (const auto& [name, code] : kNames) {
    if (text.contains(name)) return code;
  }
  return Code::kInternal;
}

}  // namespace

Result<std::vector<ImageSummary>> DecodeImageList(std::string_view body) {
  const auto json = ParseList(body, "list images");
  if (!json) return Fail(json.error());
  std::vector<ImageSummary> images;
  for (const Json& item : *json) {
    images.push_back({StringOf(item, "Id"), NamesOf(item, "RepoTags"), NamesOf(item, "RepoDigests"),
                      IntOf(item, "Size"), IntOf(item, "Created"), StringMapOf(item, "Labels")});
  }
  std::erase_if(images, [](const ImageSummary& image) { return image.id.empty(); });
  return images;
}

Result<ImageDetails> DecodeImage(std::string_view body) {
  const auto json = ParseObject(body, "inspect image");
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
  image.volumes = KeysOf(config, "Volumes");
  image.labels = StringMapOf(config, "Labels");
  image.graph_driver_data = StringMapOf(Member(*json, "GraphDriver"), "Data");
  return image;
}

Result<Progress> DecodeProgress(std::string_view message) {
  const auto json = ParseObject(message, "progress");
  if (!json) return Fail(json.error());
  std::string error = StringOf(*json, "error");
  if (error.empty()) error = StringOf(Member(*json, "errorDetail"), "message");
  if (!error.empty()) {
    const auto status = IntOf(Member(*json, "errorDetail"), "code");
    return Fail(PullCode(status, error), "docker: {}", error);
  }
  const Json& detail = Member(*json, "progressDetail");
  return Progress{StringOf(*json, "id"), StringOf(*json, "status"), IntOf(detail, "current"),
                  IntOf(detail, "total")};
}

base::Error ClassifyPullError(base::Error error) {
  if (error.code == Code::kInternal) error.code = PullCode(0, error.message);
  return error;
}

Result<std::string> DecodeId(std::string_view body) {
  const auto json = ParseObject(body, "create");
  if (!json) return Fail(json.error());
  std::string id = StringOf(*json, "Id");
  if (id.empty()) return Fail(Code::kInternal, "create: Docker's answer has no Id");
  return id;
}

}  // namespace dockershimd::dockerapi
