#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "base/call_context.h"
#include "base/guarded.h"
#include "base/result.h"
#include "cri/runtime/v1/api.pb.h"
#include "dockerapi/client.h"
#include "shim/node/steady_clock.h"

namespace dockershimd::shim::node {

/// One image, with all its names.
struct ImageRecord {
  dockerapi::ImageDetails details;
  runtime::v1::Image image;
  std::string row;  ///< `image`, encoded
};
using ImagePtr = std::shared_ptr<const ImageRecord>;

/// The images of one moment. Never changes.
class ImageSet {
 public:
  void Add(ImagePtr image);

  /// As Docker looks for an image: by name first, by id or the beginning of one then. Null where
  /// there is none, or more than one.
  [[nodiscard]] ImagePtr Find(const std::string& reference) const;

  /// In the order of their ids.
  [[nodiscard]] const std::map<std::string, ImagePtr>& ById() const { return by_id_; }

 private:
  std::map<std::string, ImagePtr> by_id_;
  std::unordered_map<std::string, ImagePtr> by_name_;  ///< names with every part spelled out
};

/// The engine's images in memory. A name may move from one image to another by any change, and
/// Docker tells only half of it: each change is followed by reading the list, and the details of
/// what is new in it. Thread-safe.
class ImageCatalog {
 public:
  /// `pinned_reference`: the sandbox image, which shows as pinned.
  ImageCatalog(dockerapi::Client& docker, std::string pinned_reference)
      : docker_(docker), pinned_reference_(std::move(pinned_reference)) {}

  /// Reads the images anew. After a failure it is not known what there is, until it succeeds.
  [[nodiscard]] base::Status Rebuild(const base::CallContext& context);

  /// Null while it is not known what there is.
  [[nodiscard]] std::shared_ptr<const ImageSet> Images() const {
    const auto state = state_.Lock();
    return state->is_known ? state->images : nullptr;
  }
  /// Reads them first while it is not known what there is.
  [[nodiscard]] base::Result<std::shared_ptr<const ImageSet>> KnownImages(
      const base::CallContext& context);

  /// True where Docker was asked for the list after `time`.
  [[nodiscard]] bool IsNewerThan(SteadyNanos time) const { return state_.Lock()->read_at > time; }

 private:
  struct State {
    std::shared_ptr<const ImageSet> images;  ///< when they were last read
    bool is_known = false;                   ///< nothing has failed since
    SteadyNanos read_at = 0;
  };

  [[nodiscard]] base::Result<ImagePtr> Look(const base::CallContext& context,
                                            const dockerapi::ImageSummary& summary,
                                            const ImageSet* before) const;
  [[nodiscard]] base::Result<std::shared_ptr<const ImageSet>> Read(
      const base::CallContext& context) const;
  [[nodiscard]] base::Status RebuildLocked(const base::CallContext& context);

  dockerapi::Client& docker_;
  std::string pinned_reference_;
  std::mutex rebuilding_;
  base::Guarded<State> state_;
};

}  // namespace dockershimd::shim::node
