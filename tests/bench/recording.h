#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/result.h"

namespace dockershimd::bench {

/// One call that the daemon made to Docker, as it was sent.
struct DockerCall {
  std::string rpc;  ///< the CRI call meanwhile: "RunPodSandbox"
  std::string method;
  std::string target;
  std::string body;
  int status = 0;  ///< of the answer
};

/// What bench_recorder saw of one pod on a real engine: the calls of its life, and all that Docker
/// says of an engine with just this pod.
struct Recording {
  std::string api_version;
  std::string pod;  ///< its name
  std::string sandbox_id;
  std::string container_id;
  std::vector<DockerCall> calls;
  nlohmann::json sandbox;    ///< inspected while it ran
  nlohmann::json container;  ///< the same
  nlohmann::json list;       ///< GET /containers/json
  nlohmann::json version;
  nlohmann::json info;
  nlohmann::json images;          ///< GET /images/json
  nlohmann::json image_inspects;  ///< by id

  [[nodiscard]] static base::Result<Recording> Load(const std::filesystem::path& file);
  [[nodiscard]] base::Status Save(const std::filesystem::path& file) const;

  /// The calls by CRI call, for people: a line each, without ids, bodies and queries.
  [[nodiscard]] std::string CallsText() const;
};

/// Replaces all of `text`'s occurrences of each first by its second.
[[nodiscard]] std::string Replaced(
    std::string text, const std::vector<std::pair<std::string, std::string>>& replacements);

}  // namespace dockershimd::bench
