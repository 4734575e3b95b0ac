#pragma once

#include <chrono>
#include <string>
#include <utility>

#include "base/call_context.h"
#include "base/keyed_mutex.h"
#include "base/result.h"
#include "cri/runtime/v1/api.pb.h"
#include "dockerapi/client.h"
#include "shim/node/engine.h"
#include "shim/node/image_catalog.h"
#include "shim/stats/disk_use.h"

namespace dockershimd::shim::service {

/// The engine's images: CRI's image calls. Thread-safe. One `Image.id` names an image in all
/// answers: what Docker itself calls its id (of the config, or of the manifest where the engine
/// has containerd's image store).
class Images {
 public:
  /// Answers from the catalog, which shows `sandbox_image` as pinned, too; of what the catalog does
  /// not know Docker is asked. A pull in which nothing changes for `stall_timeout` is given up.
  Images(dockerapi::Client& docker, node::Engine& engine, node::ImageCatalog& catalog,
         stats::DiskUse& disk, std::string sandbox_image, std::chrono::seconds stall_timeout)
      : docker_(docker),
        engine_(engine),
        catalog_(catalog),
        disk_(disk),
        sandbox_image_(std::move(sandbox_image)),
        stall_timeout_(stall_timeout) {}

  /// Encoded rows; see rows.h.
  [[nodiscard]] base::Result<runtime::v1::ListImagesResponse> List(
      const base::CallContext& context, const runtime::v1::ListImagesRequest& request) const;
  /// An image that is not there is an empty answer, no error.
  [[nodiscard]] base::Result<runtime::v1::ImageStatusResponse> Status(
      const base::CallContext& context, const runtime::v1::ImageStatusRequest& request) const;
  /// Ends early when the caller goes away (kCancelled) or the pull stands still
  /// (kDeadlineExceeded).
  [[nodiscard]] base::Result<runtime::v1::PullImageResponse> Pull(
      const base::CallContext& context, const runtime::v1::PullImageRequest& request);
  /// Removes the image with all its names, whichever one was given. Succeeds where there is none.
  /// kFailedPrecondition while a container runs from it, or one that is no pod's exists: kubelet,
  /// which frees disk space by this, does not know of those.
  [[nodiscard]] base::Result<runtime::v1::RemoveImageResponse> Remove(
      const base::CallContext& context, const runtime::v1::RemoveImageRequest& request);
  /// What was measured last; until then all that is used on the store's file system.
  [[nodiscard]] base::Result<runtime::v1::ImageFsInfoResponse> FsInfo() const;

 private:
  /// After a change of our own, so that the next answer knows of it.
  void ReadAnew();
  /// The image's id; empty when there is none.
  [[nodiscard]] base::Result<std::string> FindId(const base::CallContext& context,
                                                 const std::string& reference) const;
  /// An error names a container of the image that belongs to no pod.
  [[nodiscard]] base::Status CheckNotUsedByOthers(const base::CallContext& context,
                                                  const std::string& id) const;
  [[nodiscard]] base::Status PullWatched(const base::CallContext& context,
                                         const dockerapi::PullOptions& options);

  dockerapi::Client& docker_;
  node::Engine& engine_;
  node::ImageCatalog& catalog_;
  stats::DiskUse& disk_;
  std::string sandbox_image_;
  std::chrono::seconds stall_timeout_;
  base::KeyedMutex removing_;  ///< by image id
};

}  // namespace dockershimd::shim::service
