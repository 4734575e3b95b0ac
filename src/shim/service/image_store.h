#pragma once

#include "shim/node/engine.h"
#include "shim/stats/sample.h"
#include "shim/translate/metrics.h"

namespace dockershimd::shim::service {

/// Where this engine keeps images and writable layers, as this host's folders show it.
[[nodiscard]] stats::StoreLayout ImageStoreOf(const node::EngineFacts& facts);

/// The file system of a folder; empty where it cannot be read.
[[nodiscard]] translate::LayerFilesystem FilesystemOf(const std::string& folder);

}  // namespace dockershimd::shim::service
