#include "shim/node/image_catalog.h"

#include <iterator>
#include <utility>

#include "base/log.h"
#include "shim/translate/image_ref.h"
#include "shim/translate/images.h"

namespace dockershimd::shim::node {
namespace {

using base::CallContext;
using base::Code;
using base::Fail;
using base::Result;

constexpr std::string_view kIdPrefix = "sha256:";

/// What the list says of an image: when it is the same, so are the details.
bool LooksLike(const dockerapi::ImageDetails& details, const dockerapi::ImageSummary& summary) {
  return details.repo_tags == summary.repo_tags && details.repo_digests == summary.repo_digests &&
         details.size_bytes == summary.size_bytes;
}

dockerapi::ImageDetails FromSummary(const dockerapi::ImageSummary& summary) {
  dockerapi::ImageDetails details;
  details.id = summary.id;
  details.repo_tags = summary.repo_tags;
  details.repo_digests = summary.repo_digests;
  details.size_bytes = summary.size_bytes;
  details.labels = summary.labels;
  return details;
}

}  // namespace

void ImageSet::Add(ImagePtr image) {
  const auto add_name = [&](const std::string& text) {
    if (const auto name = translate::ParseImageName(text)) {
      by_name_[name->Exact().Canonical()] = image;
    }
  };
  for (const auto& tag : image->details.repo_tags) add_name(tag);
  for (const auto& digest : image->details.repo_digests) add_name(digest);
  const std::string id = image->details.id;
  by_id_[id] = std::move(image);
}

ImagePtr ImageSet::Find(const std::string& reference) const {
  if (const auto name = translate::ParseImageName(reference)) {
    const auto named = by_name_.find(name->Exact().Canonical());
    if (named != by_name_.end()) return named->second;
  }
  if (!translate::MayBeShortId(reference)) return nullptr;
  const std::string prefix =
      reference.starts_with(kIdPrefix) ? reference : std::string(kIdPrefix) + reference;
  const auto found = by_id_.lower_bound(prefix);
  if (found == by_id_.end() || !found->first.starts_with(prefix)) return nullptr;
  const auto next = std::next(found);
  if (next != by_id_.end() && next->first.starts_with(prefix)) return nullptr;
  return found->second;
}

Result<ImagePtr> ImageCatalog::Look(const CallContext& context,
                                    const dockerapi::ImageSummary& summary,
                                    const ImageSet* before) const {
  if (before != nullptr) {
    const auto known = before->ById().find(summary.id);
    if (known != before->ById().end() && LooksLike(known->second->details, summary)) {
      return known->second;
    }
  }
  auto details = docker_.InspectImage(context, summary.id);
  // Removed meanwhile.
  if (!details && details.error().code == Code::kNotFound) return ImagePtr();
  if (!details && !details.error().http_status) return Fail(details.error());
  if (!details) {
    spdlog::warn("image {} cannot be inspected, shown as its list entry says: {}", summary.id,
                 details.error().message);
    details = FromSummary(summary);
  }
  auto record = std::make_shared<ImageRecord>();
  record->details = std::move(*details);
  record->image = translate::ToImage(record->details, pinned_reference_);
  record->row = record->image.SerializeAsString();
  return record;
}

Result<std::shared_ptr<const ImageSet>> ImageCatalog::Read(const CallContext& context) const {
  const auto summaries = docker_.ListImages(context);
  if (!summaries) return Fail(summaries.error(), "list the node's images");
  const auto before = state_.Lock()->images;
  auto images = std::make_shared<ImageSet>();
  for (const auto& summary : *summaries) {
    if (summary.id.empty()) continue;
    auto image = Look(context, summary, before.get());
    if (!image) return Fail(image.error(), "look at image " + summary.id);
    if (*image) images->Add(std::move(*image));
  }
  return images;
}

base::Status ImageCatalog::RebuildLocked(const CallContext& context) {
  const auto read_at = SteadyNow();
  auto images = Read(context);
  const auto state = state_.Lock();
  state->is_known = images.has_value();
  state->read_at = images ? read_at : 0;
  if (!images) return Fail(images.error());
  state->images = std::move(*images);
  return {};
}

base::Status ImageCatalog::Rebuild(const CallContext& context) {
  const std::lock_guard lock(rebuilding_);
  return RebuildLocked(context);
}

Result<std::shared_ptr<const ImageSet>> ImageCatalog::KnownImages(const CallContext& context) {
  if (auto images = Images()) return images;
  const std::lock_guard lock(rebuilding_);
  // Whoever had the lock may have read them.
  if (auto images = Images()) return images;
  if (auto rebuilt = RebuildLocked(context); !rebuilt) return Fail(rebuilt.error());
  return Images();
}

}  // namespace dockershimd::shim::node
