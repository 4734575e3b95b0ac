#pragma once

#include <string>

#include "compare/endpoint.h"

namespace dockershimd::compare {

/// On every pod that this program makes, so that what a killed run left can be found.
inline constexpr const char* kOwnerLabel = "app.kubernetes.io/managed-by";
inline constexpr const char* kOwner = "cri-compare";

/// Stops and removes one pod with its containers; fine if it is gone.
[[nodiscard]] base::Status RemovePod(Endpoint& endpoint, const std::string& id);

/// Removes all pods that runs of this program made there. Returns how many.
[[nodiscard]] base::Result<int> RemoveLeftovers(Endpoint& endpoint);

}  // namespace dockershimd::compare
