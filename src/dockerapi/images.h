#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dockershimd::dockerapi {

/// One row of GET /images/json.
struct ImageSummary {
  std::string id;                         ///< "sha256:..."
  std::vector<std::string> repo_tags;     ///< "<none>:<none>" entries already left out
  std::vector<std::string> repo_digests;  ///< "<none>@<none>" entries already left out
  std::int64_t size_bytes = 0;
  std::int64_t created_seconds = 0;
  std::map<std::string, std::string> labels;
};

/// GET /images/{name}/json.
struct ImageDetails {
  std::string id;
  std::vector<std::string> repo_tags;
  std::vector<std::string> repo_digests;
  std::int64_t size_bytes = 0;
  std::string architecture;
  std::string os;
  // Of the image's config:
  std::string user;
  std::string working_dir;
  std::string stop_signal;
  std::vector<std::string> environment;
  std::vector<std::string> entrypoint;
  std::vector<std::string> command;
  std::vector<std::string> volumes;
  std::map<std::string, std::string> labels;
  /// Where the image's layers are (overlay2 and its kin); empty with the containerd store.
  std::map<std::string, std::string> graph_driver_data;
};

/// Credentials for one registry: sent as X-Registry-Auth. Never logged.
struct RegistryAuth {
  std::string username;
  std::string password;
  std::string server_address;
  std::string identity_token;  ///< OAuth2 refresh token, instead of a password
  std::string registry_token;  ///< bearer token, sent to the registry as it is
};

struct PullOptions {
  std::string reference;  ///< "repo:tag" or "repo@sha256:..."
  std::string platform;   ///< "linux/arm64"; empty: the engine's own
  std::optional<RegistryAuth> auth;
};

/// One message of a pull or load.
struct Progress {
  std::string id;      ///< layer
  std::string status;  ///< "Downloading", ...
  std::int64_t current = 0;
  std::int64_t total = 0;
};

}  // namespace dockershimd::dockerapi
