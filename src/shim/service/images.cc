#include "shim/service/images.h"

#include <sys/statvfs.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <utility>

#include "base/log.h"
#include "base/time.h"
#include "shim/service/pull_watch.h"
#include "shim/translate/images.h"

namespace dockershimd::shim::service {
namespace {

using base::Code;
using base::Fail;
using base::Result;

Result<runtime::v1::FilesystemUsage> UsageOf(const std::string& path) {
  struct statvfs stats{};
  if (::statvfs(path.c_str(), &stats) != 0) {
    return Fail(base::ErrnoError(errno, "read the filesystem of " + path));
  }
  runtime::v1::FilesystemUsage usage;
  usage.set_timestamp(base::WallClockNow());
  usage.mutable_fs_id()->set_mountpoint(path);
  usage.mutable_used_bytes()->set_value((stats.f_blocks - stats.f_bfree) * stats.f_frsize);
  // Filesystems without a table of inodes (btrfs) count none; kubelet takes zero for "unknown".
  usage.mutable_inodes_used()->set_value(std::max<fsfilcnt_t>(1, stats.f_files - stats.f_ffree));
  return usage;
}

/// Docker's error, fit for the event that kubelet makes of it.
base::Error Readable(base::Error error) {
  error.message = translate::WithoutUrlSecrets(error.message);
  return error;
}

}  // namespace

Result<runtime::v1::ListImagesResponse> Images::List(
    const base::CallContext& context, const runtime::v1::ListImagesRequest& request) const {
  const auto images = docker_.ListImages(context);
  if (!images) return Fail(images.error());
  runtime::v1::ListImagesResponse response;
  for (const auto& docker : *images) {
    auto image = translate::ToImage(docker, sandbox_image_);
    if (!image.id().empty() && translate::Matches(request.filter(), image)) {
      *response.add_images() = std::move(image);
    }
  }
  return response;
}

Result<runtime::v1::ImageStatusResponse> Images::Status(
    const base::CallContext& context, const runtime::v1::ImageStatusRequest& request) const {
  const auto reference = translate::LookupReference(request.image());
  if (!reference) return Fail(reference.error());
  const auto details = docker_.InspectImage(context, *reference);
  if (!details && details.error().code == Code::kNotFound) {
    return runtime::v1::ImageStatusResponse();
  }
  if (!details) return Fail(details.error(), "image " + request.image().image());
  runtime::v1::ImageStatusResponse response;
  *response.mutable_image() = translate::ToImage(*details, sandbox_image_);
  if (request.verbose()) (*response.mutable_info())["info"] = translate::ImageInfo(*details);
  return response;
}

base::Status Images::PullWatched(const base::CallContext& context,
                                 const dockerapi::PullOptions& options) {
  PullWatch watch(stall_timeout_);
  const auto pulled =
      docker_.PullImage(watch.Watched(context), options, [&](const dockerapi::Progress& progress) {
        spdlog::trace("pull {}: {} {}", options.reference, progress.status, progress.id);
        watch.See(progress);
      });
  if (pulled || !watch.IsStalled() || context.IsCancelled() || context.IsExpired()) return pulled;
  return Fail(Code::kDeadlineExceeded,
              "no progress for {} s (last: {}); check the registry and the network",
              stall_timeout_.count(), watch.Last());
}

Result<runtime::v1::PullImageResponse> Images::Pull(const base::CallContext& context,
                                                    const runtime::v1::PullImageRequest& request) {
  const auto name = translate::PullName(request.image());
  if (!name) return Fail(name.error());
  auto auth = translate::ToRegistryAuth(request.auth(), *name);
  if (!auth) return Fail(auth.error());
  if (!*auth && !request.auth().server_address().empty()) {
    spdlog::warn("pull {}: the credentials are for another registry ({}) and are not used",
                 name->Familiar(), request.auth().server_address());
  }
  const std::string shown = name->Familiar();
  dockerapi::PullOptions options;
  options.reference = name->Canonical();
  options.auth = std::move(*auth);
  if (const auto pulled = PullWatched(context, options); !pulled) {
    return Fail(Readable(pulled.error()), "pull image " + shown);
  }
  const auto details = docker_.InspectImage(context, options.reference);
  if (!details) return Fail(details.error(), "look at the pulled image " + shown);
  runtime::v1::PullImageResponse response;
  response.set_image_ref(details->id);
  return response;
}

Result<std::string> Images::FindId(const base::CallContext& context,
                                   const std::string& reference) const {
  const auto details = docker_.InspectImage(context, reference);
  if (details) return details->id;
  if (details.error().code == Code::kNotFound) return std::string();
  return Fail(details.error(), "image " + reference);
}

Result<runtime::v1::RemoveImageResponse> Images::Remove(
    const base::CallContext& context, const runtime::v1::RemoveImageRequest& request) {
  const auto reference = translate::LookupReference(request.image());
  if (!reference) return Fail(reference.error());
  const auto id = FindId(context, *reference);
  if (!id) return Fail(id.error());
  if (id->empty()) return runtime::v1::RemoveImageResponse();
  const auto lease = removing_.Lock(*id);
  // By its id and forced: all names go in one step, as CRI has it. Docker still refuses where a
  // running container uses it.
  const auto removed = docker_.RemoveImage(context, *id, true);
  if (removed) return runtime::v1::RemoveImageResponse();
  // Somebody else removed it at the same time: what counts is that it is gone.
  const auto left = FindId(context, *id);
  if (left && left->empty()) return runtime::v1::RemoveImageResponse();
  if (removed.error().code == Code::kAlreadyExists) {
    return Fail(Code::kFailedPrecondition, "image {} cannot be removed: {}",
                request.image().image(), removed.error().message);
  }
  return Fail(removed.error(), "remove image " + request.image().image());
}

Result<runtime::v1::ImageFsInfoResponse> Images::FsInfo() const {
  const auto facts = engine_.Facts();
  if (!facts) return Fail(facts.error());
  // Images and writable layers share one folder.
  const auto usage = UsageOf(
      translate::ImageFolder((*facts)->info, (*facts)->view.features, [](const std::string& path) {
        std::error_code e;
        return std::filesystem::exists(path, e);
      }));
  if (!usage) return Fail(usage.error());
  runtime::v1::ImageFsInfoResponse response;
  *response.add_image_filesystems() = *usage;
  *response.add_container_filesystems() = *usage;
  return response;
}

}  // namespace dockershimd::shim::service
