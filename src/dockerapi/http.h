#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace dockershimd::dockerapi {

/// One request to the engine. `operation` names it without ids, for errors and metrics.
struct HttpRequest {
  std::string operation;  ///< "POST /containers/{id}/start"
  std::string method;
  std::string target;  ///< path and query, without the API version
  std::string body = {};
  std::string content_type = "application/json";  ///< of the body, where there is one
  std::vector<std::pair<std::string, std::string>> headers = {};
};

struct HttpResponse {
  int status = 0;
  std::string body;
  std::string api_version;  ///< the Api-Version header: the newest API of the engine
};

/// A request to a path that names no object; `query` begins with "?".
[[nodiscard]] HttpRequest RequestTo(std::string_view method, std::string_view path,
                                    std::string_view query = {});

/// A request about one object: `pattern` is its path with a placeholder ("/containers/{id}"), which
/// `id` replaces, encoded; `verb` follows it ("/start"), then `query` ("?t=1").
[[nodiscard]] HttpRequest RequestAbout(std::string_view method, std::string_view pattern,
                                       std::string_view id, std::string_view verb,
                                       std::string_view query = {});

/// What a refusal of Docker's means: the code by its HTTP status, Docker's own message, and the
/// operation as context.
[[nodiscard]] base::Error FromDocker(std::string_view operation, int status, std::string_view body);

/// 2xx, 304 (it is so already) and 101 are no refusals.
[[nodiscard]] inline bool IsSuccess(int status) {
  return (status >= 200 && status < 300) || status == 304 || status == 101;
}

}  // namespace dockershimd::dockerapi
