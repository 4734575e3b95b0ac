#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/result.h"
#include "cri/runtime/v1/api.pb.h"
#include "dockerapi/images.h"
#include "dockerapi/system.h"
#include "shim/stats/sample.h"
#include "shim/translate/image_ref.h"

namespace dockershimd::shim::translate {

/// What a pull is to ask Docker for: always one version, since Docker takes a name without a tag
/// for all tags. kInvalidArgument for ids and for what is no name.
[[nodiscard]] base::Result<ImageName> PullName(const runtime::v1::ImageSpec& image);

/// How Docker is to be asked for an image that is there: by name, id, or the beginning of an id.
[[nodiscard]] base::Result<std::string> LookupReference(const runtime::v1::ImageSpec& image);

/// Rows of ListImages and the answer of ImageStatus. `pinned_reference`: the sandbox image, which
/// image garbage collection must leave alone.
[[nodiscard]] runtime::v1::Image ToImage(const dockerapi::ImageDetails& image,
                                         const std::string& pinned_reference);

/// The "info" entry of a verbose ImageStatus, as JSON.
[[nodiscard]] std::string ImageInfo(const dockerapi::ImageDetails& image);

/// True for an empty filter, or when the filter names the image: by id or the beginning of one, by
/// tag, by digest, or by repository alone, which means all its versions.
[[nodiscard]] bool Matches(const runtime::v1::ImageFilter& filter, const runtime::v1::Image& image);

/// Credentials for Docker; nothing where the request has none, or has them for another registry
/// than the image's. No error text has a secret in it.
[[nodiscard]] base::Result<std::optional<dockerapi::RegistryAuth>> ToRegistryAuth(
    const runtime::v1::AuthConfig& auth, const ImageName& image);

/// Docker's message without what may be secret in the URLs that it quotes: user names, passwords
/// and signed queries.
[[nodiscard]] std::string WithoutUrlSecrets(std::string_view message);

/// How a container's image shows in its status and row: by the name that the pod's author used.
/// `docker_name`: by which Docker was asked for it.
[[nodiscard]] runtime::v1::ImageSpec ImageOfContainer(const runtime::v1::ImageSpec& asked,
                                                      const std::string& docker_name);

/// The folder on whose filesystem images and writable layers are. With the containerd store that
/// is containerd's, which is Docker's own folder only where Docker runs a containerd of its own.
[[nodiscard]] std::string ImageFolder(const dockerapi::EngineInfo& info,
                                      const dockerapi::EngineFeatures& features,
                                      const std::function<bool(const std::string&)>& exists);

/// Where in that folder the layers are.
[[nodiscard]] stats::StoreLayout ImageStoreLayout(
    const dockerapi::EngineInfo& info, const dockerapi::EngineFeatures& features,
    const std::function<bool(const std::string&)>& exists);

}  // namespace dockershimd::shim::translate
