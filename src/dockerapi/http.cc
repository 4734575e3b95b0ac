#include "dockerapi/http.h"

#include "dockerapi/encode.h"
#include "dockerapi/json_util.h"

namespace dockershimd::dockerapi {
namespace {

base::Code CodeOf(int status) {
  switch (status) {
    case 400:
      return base::Code::kInvalidArgument;
    case 401:
      return base::Code::kUnauthenticated;
    case 403:
      return base::Code::kPermissionDenied;
    case 404:
      return base::Code::kNotFound;
    case 409:
      return base::Code::kAlreadyExists;
    case 501:
      return base::Code::kUnimplemented;
    case 503:
      return base::Code::kUnavailable;
    default:
      return base::Code::kInternal;
  }
}

}  // namespace

HttpRequest RequestTo(std::string_view method, std::string_view path, std::string_view query) {
  return {.operation = fmt::format("{} {}", method, path),
          .method = std::string(method),
          .target = fmt::format("{}{}", path, query)};
}

HttpRequest RequestAbout(std::string_view method, std::string_view pattern, std::string_view id,
                         std::string_view verb, std::string_view query) {
  const auto folder = pattern.substr(0, pattern.find('{'));
  return {.operation = fmt::format("{} {}{}", method, pattern, verb),
          .method = std::string(method),
          .target = fmt::format("{}{}{}{}", folder, UrlEncode(id), verb, query)};
}

base::Error FromDocker(std::string_view operation, int status, std::string_view body) {
  std::string message;
  const Json json = Json::parse(body, nullptr, false);
  if (!json.is_discarded()) message = StringOf(json, "message");
  if (message.empty()) message = body.substr(0, 200);
  if (message.empty()) message = "no reason given";
  return {CodeOf(status), fmt::format("{}: docker {}: {}", operation, status, message), status};
}

}  // namespace dockershimd::dockerapi
