#include "shim/service/images.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "base/log.h"
#include "base/time.h"
#include "shim/service/image_store.h"
#include "shim/service/pull_watch.h"
#include "shim/service/rows.h"
#include "shim/translate/images.h"
#include "shim/translate/labels.h"
#include "shim/translate/stats.h"

namespace dockershimd::shim::service {
namespace {

using base::Code;
using base::Fail;
using base::Result;

/// All that is used on the file system of the store: more than the store's own, but never nothing.
Result<stats::StoreUse> WholeFilesystem(const std::string& folder) {
  const auto filesystem = FilesystemOf(folder);
  if (filesystem.bytes == 0) {
    return Fail(Code::kInternal, "cannot read the file system of {}", folder);
  }
  // File systems without a table of inodes (btrfs) count none; kubelet takes zero for "unknown".
  const auto inodes = std::max<std::uint64_t>(1, filesystem.inodes - filesystem.free_inodes);
  const linuxos::TreeUse use{filesystem.used_bytes, inodes};
  return stats::StoreUse{use, use, base::WallClockNow()};
}

/// Docker's error, fit for the event that kubelet makes of it.
base::Error Readable(base::Error error) {
  error.message = translate::WithoutUrlSecrets(error.message);
  return error;
}

}  // namespace

Result<runtime::v1::ListImagesResponse> Images::List(
    const base::CallContext& context, const runtime::v1::ListImagesRequest& request) const {
  const auto images = catalog_.KnownImages(context);
  if (!images) return Fail(images.error());
  runtime::v1::ListImagesResponse response;
  for (const auto& [id, record] : (*images)->ById()) {
    if (translate::Matches(request.filter(), record->image)) AddEncodedRow(record->row, &response);
  }
  return response;
}

Result<runtime::v1::ImageStatusResponse> Images::Status(
    const base::CallContext& context, const runtime::v1::ImageStatusRequest& request) const {
  const auto reference = translate::LookupReference(request.image());
  if (!reference) return Fail(reference.error());
  runtime::v1::ImageStatusResponse response;
  const auto images = catalog_.Images();
  if (const auto known = images ? images->Find(*reference) : nullptr) {
    *response.mutable_image() = known->image;
    if (request.verbose()) {
      (*response.mutable_info())["info"] = translate::ImageInfo(known->details);
    }
    return response;
  }
  // One that came this moment may not be in the catalog yet, and a needless pull costs more.
  const auto details = docker_.InspectImage(context, *reference);
  if (!details && details.error().code == Code::kNotFound) return response;
  if (!details) return Fail(details.error(), "image " + request.image().image());
  *response.mutable_image() = translate::ToImage(*details, sandbox_image_);
  if (request.verbose()) (*response.mutable_info())["info"] = translate::ImageInfo(*details);
  return response;
}

void Images::ReadAnew() {
  if (!catalog_.Images()) return;  // whoever asks reads them
  if (auto rebuilt = catalog_.Rebuild(base::CallContext::ForCleanup()); !rebuilt) {
    spdlog::warn("after a change: {}", rebuilt.error().message);
  }
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
  ReadAnew();
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

base::Status Images::CheckNotUsedByOthers(const base::CallContext& context,
                                          const std::string& id) const {
  const auto containers = docker_.ListContainers(context, {});
  if (!containers) return Fail(containers.error());
  for (const auto& container : *containers) {
    if (container.image_id != id) continue;
    if (container.labels.contains(std::string(translate::kTypeLabel))) continue;
    return Fail(Code::kFailedPrecondition,
                "container {} of Docker's own uses it: remove that container first",
                container.names.empty() ? container.id : container.names.front());
  }
  return {};
}

Result<runtime::v1::RemoveImageResponse> Images::Remove(
    const base::CallContext& context, const runtime::v1::RemoveImageRequest& request) {
  const auto reference = translate::LookupReference(request.image());
  if (!reference) return Fail(reference.error());
  const auto id = FindId(context, *reference);
  if (!id) return Fail(id.error());
  if (id->empty()) return runtime::v1::RemoveImageResponse();
  const auto lease = removing_.Lock(*id);
  if (const auto free = CheckNotUsedByOthers(context, *id); !free) {
    return Fail(free.error(), fmt::format("image {} cannot be removed", request.image().image()));
  }
  // By its id and forced: all names go in one step, as CRI has it. Docker still refuses where a
  // running container uses it.
  const auto removed = docker_.RemoveImage(context, *id, true);
  ReadAnew();
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
  const auto store = ImageStoreOf(**facts);
  auto use = disk_.Store(store);
  // Not measured yet, or a store whose layers are no plain folders.
  if (!use || use->images.bytes == 0) {
    const auto whole = WholeFilesystem(store.folder);
    if (!whole) return Fail(whole.error());
    use = *whole;
  }
  // Both lie in one folder.
  runtime::v1::ImageFsInfoResponse response;
  *response.add_image_filesystems() =
      translate::ToFilesystemUsage(store.folder, {use->images, use->measured_at});
  *response.add_container_filesystems() =
      translate::ToFilesystemUsage(store.folder, {use->containers, use->measured_at});
  return response;
}

}  // namespace dockershimd::shim::service
