#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "cri/runtime/v1/api.pb.h"

namespace dockershimd::shim::translate {

/// Docker's container name for a sandbox: k8s_POD_<pod>_<namespace>_<uid>_<attempt>.
[[nodiscard]] std::string SandboxName(const runtime::v1::PodSandboxMetadata& pod);

/// k8s_<container>_<pod>_<namespace>_<uid>_<attempt>.
[[nodiscard]] std::string ContainerName(const runtime::v1::PodSandboxMetadata& pod,
                                        const runtime::v1::ContainerMetadata& container);

/// What such a name says. A seventh part (added where a name was taken) is allowed.
struct ParsedName {
  std::string container;  ///< "POD" for a sandbox
  std::string pod;
  std::string pod_namespace;
  std::string uid;
  std::uint32_t attempt = 0;
};

/// Reads a name, with or without Docker's leading "/". Empty for names of another make.
[[nodiscard]] std::optional<ParsedName> ParseName(std::string_view name);

/// "namespace/pod" or "namespace/pod/container", as our log lines and errors call them.
[[nodiscard]] std::string Describe(const runtime::v1::PodSandboxMetadata& pod,
                                   std::string_view container = {});

}  // namespace dockershimd::shim::translate
