#pragma once

#include <string>

#include "base/call_context.h"
#include "base/result.h"
#include "dockerapi/client.h"

namespace dockershimd::shim::service {

/// The image of the pause process: our own, loaded from this binary, unless the admin named
/// another (--sandbox-image), which is pulled.
class SandboxImage {
 public:
  /// `configured`: the admin's choice; empty for our own.
  SandboxImage(dockerapi::Client& docker, const std::string& configured);

  [[nodiscard]] const std::string& Reference() const { return reference_; }

  /// Makes sure that the engine has it.
  [[nodiscard]] base::Status Ensure(const base::CallContext& context);

 private:
  dockerapi::Client& docker_;
  bool is_own_;
  std::string reference_;
};

}  // namespace dockershimd::shim::service
