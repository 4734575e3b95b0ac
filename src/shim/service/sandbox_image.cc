#include "shim/service/sandbox_image.h"

#include "base/log.h"
#include "pause/pause_image.h"

namespace dockershimd::shim::service {

SandboxImage::SandboxImage(dockerapi::Client& docker, const std::string& configured)
    : docker_(docker),
      is_own_(configured.empty()),
      reference_(is_own_ ? std::string(pause::ImageReference()) : configured) {}

base::Result<bool> SandboxImage::IsPresent(const base::CallContext& context) const {
  const auto details = docker_.InspectImage(context, reference_);
  if (details) return true;
  if (details.error().code == base::Code::kNotFound) return false;
  return base::Fail(details.error());
}

base::Status SandboxImage::Ensure(const base::CallContext& context) {
  auto present = IsPresent(context);
  if (!present) return base::Fail(present.error());
  if (*present) return {};
  const auto lease = getting_.Lock(context, reference_);
  if (!lease) return base::Fail(lease.error(), "get the sandbox image " + reference_);
  present = IsPresent(context);
  if (!present) return base::Fail(present.error());
  if (*present) return {};
  spdlog::info("{} the sandbox image {}", is_own_ ? "loading" : "pulling", reference_);
  auto done =
      is_own_ ? docker_.LoadImage(context, pause::BuildImageArchive())
              : docker_.PullImage(context, {.reference = reference_, .platform = "", .auth = {}},
                                  [](const dockerapi::Progress&) {});
  if (!done) return base::Fail(done.error(), "get the sandbox image " + reference_);
  return {};
}

}  // namespace dockershimd::shim::service
