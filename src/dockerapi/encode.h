#pragma once

#include <string>

#include "dockerapi/containers.h"
#include "dockerapi/images.h"
#include "dockerapi/streams.h"

namespace dockershimd::dockerapi {

// Request bodies and headers as Docker wants them. ToJson(ContainerSpec) is in containers.h.

[[nodiscard]] std::string ToJson(const Resources& resources);
[[nodiscard]] std::string ToJson(const ExecSpec& spec);

/// The body that starts an exec whose stream stays with the caller.
[[nodiscard]] std::string ExecStartJson(bool tty);

/// The value of X-Registry-Auth.
[[nodiscard]] std::string RegistryAuthHeader(const RegistryAuth& auth);

/// The "filters" of a list or of the event stream, as JSON.
[[nodiscard]] std::string LabelFilters(const std::vector<std::string>& labels);
[[nodiscard]] std::string EventFilters(const EventOptions& options);

/// "<seconds>.<nanoseconds>", as Docker reads times.
[[nodiscard]] std::string DockerTime(base::UnixNanos time);

/// The query of a resize: "?h=24&w=80".
[[nodiscard]] std::string TerminalSize(int rows, int columns);

/// Percent-encodes everything but unreserved characters, for a path segment or a query value.
[[nodiscard]] std::string UrlEncode(std::string_view text);

}  // namespace dockershimd::dockerapi
