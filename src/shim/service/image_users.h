#pragma once

#include <map>
#include <memory>
#include <string>

#include "base/call_context.h"
#include "base/guarded.h"
#include "base/keyed_mutex.h"
#include "base/result.h"
#include "dockerapi/client.h"
#include "shim/translate/users.h"

namespace dockershimd::shim::service {

/// What images say about users and groups. An image never changes, so each is read once.
/// Thread-safe.
class ImageUsers {
 public:
  explicit ImageUsers(dockerapi::Client& docker) : docker_(docker) {}

  /// Docker shows files only of containers: the first time, one is made of the image, never
  /// started, and removed. kNotFound when there is no such image.
  [[nodiscard]] base::Result<std::shared_ptr<const translate::ImageAccounts>> Of(
      const base::CallContext& context, const std::string& image);

 private:
  [[nodiscard]] base::Result<translate::ImageAccounts> Read(const base::CallContext& context,
                                                            const std::string& image_id);

  dockerapi::Client& docker_;
  base::KeyedMutex reading_;  ///< by image id
  base::Guarded<std::map<std::string, std::shared_ptr<const translate::ImageAccounts>>> known_;
};

}  // namespace dockershimd::shim::service
