#pragma once

#include <string>

#include "base/call_context.h"
#include "base/keyed_mutex.h"
#include "base/result.h"
#include "dockerapi/client.h"

namespace dockershimd::shim::service {

/// The image of the pause process: our own, loaded from this binary, unless the admin named
/// another (--sandbox-image), which is pulled. Thread-safe.
class SandboxImage {
 public:
  /// `configured`: the admin's choice; empty for our own.
  SandboxImage(dockerapi::Client& docker, const std::string& configured);

  [[nodiscard]] const std::string& Reference() const { return reference_; }

  /// Makes sure that the engine has it. Of several callers at once one gets it: Docker 29 fails a
  /// load while another one of the same image ends.
  [[nodiscard]] base::Status Ensure(const base::CallContext& context);

 private:
  [[nodiscard]] base::Result<bool> IsPresent(const base::CallContext& context) const;

  dockerapi::Client& docker_;
  bool is_own_;
  std::string reference_;
  base::KeyedMutex getting_;
};

}  // namespace dockershimd::shim::service
