#include "shim/service/image_users.h"

#include <utility>

#include "base/log.h"

namespace dockershimd::shim::service {
namespace {

using base::CallContext;
using base::Code;
using base::Fail;
using base::Result;
using translate::ImageAccounts;

constexpr std::size_t kFileLimit = 4 << 20;
/// As many images as a node has in use; then it starts afresh.
constexpr std::size_t kMostImages = 256;

/// Empty where the image has no such file.
Result<std::string> FileOf(const CallContext& context, dockerapi::Client& docker,
                           const std::string& container, const std::string& path) {
  auto text = docker.ReadContainerFile(context, container, path, kFileLimit);
  if (!text && text.error().code == Code::kNotFound) return std::string();
  return text;
}

Result<std::string> CreateProbe(const CallContext& context, dockerapi::Client& docker,
                                const std::string& image_id) {
  const std::string name = "dockershimd_users_" + image_id.substr(image_id.find(':') + 1);
  dockerapi::ContainerSpec spec;
  spec.image = image_id;
  // It is never started, but Docker makes no container without a command.
  spec.entrypoint = {"/none"};
  spec.host.network_mode = "none";
  auto created = docker.CreateContainer(context, name, spec);
  if (created || created.error().code != Code::kAlreadyExists) return created;
  // Ours, left over from a crash.
  if (auto removed = docker.RemoveContainer(context, name, true); !removed) {
    return Fail(removed.error());
  }
  return docker.CreateContainer(context, name, spec);
}

}  // namespace

Result<std::shared_ptr<const ImageAccounts>> ImageUsers::Of(const CallContext& context,
                                                            const std::string& image) {
  const auto details = docker_.InspectImage(context, image);
  if (!details) return Fail(details.error());
  const auto lock = reading_.Lock(context, details->id);
  if (!lock) return Fail(lock.error(), "read the users of image " + image);
  {
    auto known = known_.Lock();
    if (const auto found = known->find(details->id); found != known->end()) return found->second;
  }
  auto accounts = Read(context, details->id);
  if (!accounts) return Fail(accounts.error(), "read the users of image " + image);
  accounts->default_user = details->user;
  auto shared = std::make_shared<const ImageAccounts>(std::move(*accounts));
  auto known = known_.Lock();
  if (known->size() >= kMostImages) known->clear();
  (*known)[details->id] = shared;
  return shared;
}

Result<ImageAccounts> ImageUsers::Read(const CallContext& context, const std::string& image_id) {
  const auto probe = CreateProbe(context, docker_, image_id);
  if (!probe) return Fail(probe.error());
  auto passwd = FileOf(context, docker_, *probe, "/etc/passwd");
  auto group = FileOf(context, docker_, *probe, "/etc/group");
  if (auto removed = docker_.RemoveContainer(CallContext::ForCleanup(), *probe, true); !removed) {
    spdlog::warn("container {}, made to read an image, could not be removed: {}", *probe,
                 removed.error().message);
  }
  if (!passwd) return Fail(passwd.error());
  if (!group) return Fail(group.error());
  return ImageAccounts{"", std::move(*passwd), std::move(*group)};
}

}  // namespace dockershimd::shim::service
