#include "shim/translate/images.h"

#include <algorithm>
#include <charconv>

namespace dockershimd::shim::translate {
namespace {

using base::Code;
using base::Fail;
using base::Result;

constexpr std::string_view kIdPrefix = "sha256:";

/// The user of an image's config: "uid", "name", either with ":group". None stands for root.
void FillUser(const std::string& config_user, runtime::v1::Image* image) {
  const std::string user = config_user.substr(0, config_user.find(':'));
  std::int64_t uid = 0;
  const auto [end, error] = std::from_chars(user.data(), user.data() + user.size(), uid);
  if (error == std::errc() && end == user.data() + user.size()) {
    image->mutable_uid()->set_value(uid);
  } else {
    image->set_username(user);
  }
}

/// True when one of the image's names is the one that is meant, however either is written.
template <class Names>
bool HasName(const Names& names, const ImageName& wanted) {
  return std::any_of(names.begin(), names.end(), [&](const std::string& text) {
    const auto name = ParseImageName(text);
    return name && name->Exact() == wanted;
  });
}

template <class Names>
bool HasRepository(const Names& names, const ImageName& wanted) {
  return std::any_of(names.begin(), names.end(), [&](const std::string& text) {
    const auto name = ParseImageName(text);
    return name && name->Repository() == wanted.Repository();
  });
}

bool IsPinned(const dockerapi::ImageDetails& docker, const std::string& pinned_reference) {
  if (docker.id == pinned_reference) return true;
  const auto pinned = ParseImageName(pinned_reference);
  return pinned && (HasName(docker.repo_tags, pinned->Exact()) ||
                    HasName(docker.repo_digests, pinned->Exact()));
}

bool MatchesId(const std::string& wanted, const std::string& id) {
  return MayBeShortId(wanted) &&
         (id.starts_with(wanted) || id.starts_with(std::string(kIdPrefix) + wanted));
}

}  // namespace

Result<ImageName> PullName(const runtime::v1::ImageSpec& image) {
  if (image.image().empty()) return Fail(Code::kInvalidArgument, "image.image: is required");
  if (ParseImageId(image.image())) {
    return Fail(Code::kInvalidArgument, "image.image: '{}' is an id; only a name can be pulled",
                image.image());
  }
  const auto name = ParseImageName(image.image());
  if (!name) return Fail(name.error(), "image.image");
  return name->Exact();
}

Result<std::string> LookupReference(const runtime::v1::ImageSpec& image) {
  const std::string& text = image.image();
  if (text.empty()) return Fail(Code::kInvalidArgument, "image.image: is required");
  // Docker looks for a name first and for the beginning of an id then.
  if (MayBeShortId(text)) return text;
  const auto name = ParseImageName(text);
  if (!name) return Fail(name.error(), "image.image");
  return name->Exact().Canonical();
}

runtime::v1::Image ToImage(const dockerapi::ImageDetails& docker,
                           const std::string& pinned_reference) {
  runtime::v1::Image image;
  image.set_id(docker.id);
  // With containerd's store Docker lists a name by digest among the tags, too.
  for (const auto& tag : docker.repo_tags) {
    if (tag.find('@') == std::string::npos) image.add_repo_tags(tag);
  }
  image.mutable_repo_digests()->Add(docker.repo_digests.begin(), docker.repo_digests.end());
  // Kubelet takes an image of no size for a broken answer; an image can be that empty.
  image.set_size(static_cast<std::uint64_t>(std::max<std::int64_t>(1, docker.size_bytes)));
  image.mutable_spec()->set_image(docker.id);
  image.set_pinned(IsPinned(docker, pinned_reference));
  FillUser(docker.user, &image);
  return image;
}

bool Matches(const runtime::v1::ImageFilter& filter, const runtime::v1::Image& image) {
  const std::string& wanted = filter.image().image();
  if (wanted.empty() || MatchesId(wanted, image.id())) return true;
  const auto name = ParseImageName(wanted);
  if (!name) return false;
  if (name->tag.empty() && name->digest.empty()) {
    return HasRepository(image.repo_tags(), *name) || HasRepository(image.repo_digests(), *name);
  }
  return HasName(image.repo_tags(), name->Exact()) || HasName(image.repo_digests(), name->Exact());
}

runtime::v1::ImageSpec ImageOfContainer(const runtime::v1::ImageSpec& asked,
                                        const std::string& docker_name) {
  runtime::v1::ImageSpec image = asked;
  if (!asked.user_specified_image().empty()) {
    image.set_image(asked.user_specified_image());
  } else if (asked.image().empty()) {
    image.set_image(docker_name);
  }
  return image;
}

std::string ImageFolder(const dockerapi::EngineInfo& info,
                        const dockerapi::EngineFeatures& features,
                        const std::function<bool(const std::string&)>& exists) {
  constexpr const char* kContainerdRoot = "/var/lib/containerd";
  const bool is_elsewhere = features.containerd_image_store &&
                            !exists(info.root_dir + "/containerd/daemon") &&
                            exists(kContainerdRoot);
  return is_elsewhere ? kContainerdRoot : info.root_dir;
}

stats::StoreLayout ImageStoreLayout(const dockerapi::EngineInfo& info,
                                    const dockerapi::EngineFeatures& features,
                                    const std::function<bool(const std::string&)>& exists) {
  stats::StoreLayout layout;
  layout.folder = ImageFolder(info, features, exists);
  if (!features.containerd_image_store) {
    layout.layers = layout.folder + "/" + info.storage_driver;
    if (info.storage_driver == "vfs") layout.layers += "/dir";
    return layout;
  }
  const bool is_dockers_own = layout.folder == info.root_dir;
  const std::string root = layout.folder + (is_dockers_own ? "/containerd/daemon" : "");
  layout.layers = root + "/io.containerd.snapshotter.v1." + info.storage_driver + "/snapshots";
  layout.content = root + "/io.containerd.content.v1.content/blobs";
  return layout;
}

}  // namespace dockershimd::shim::translate
