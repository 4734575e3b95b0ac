#include "dockerapi/images.h"

#include "dockerapi/client.h"
#include "dockerapi/client_impl.h"
#include "dockerapi/decode.h"
#include "dockerapi/encode.h"

namespace dockershimd::dockerapi {
namespace {

using base::CallContext;
using base::Code;
using base::Fail;
using base::Result;

constexpr const char* kImage = "/images/{name}";

HttpRequest PullRequest(const PullOptions& options) {
  auto request = RequestTo("POST", "/images/create", "?fromImage=" + UrlEncode(options.reference));
  if (!options.platform.empty()) request.target += "&platform=" + UrlEncode(options.platform);
  if (options.auth) {
    request.headers.emplace_back("X-Registry-Auth", RegistryAuthHeader(*options.auth));
  }
  return request;
}

}  // namespace

Result<std::vector<ImageSummary>> Client::ListImages(const CallContext& context) {
  return impl_->Ask(context, RequestTo("GET", "/images/json", "?digests=1"), DecodeImageList);
}

Result<ImageDetails> Client::InspectImage(const CallContext& context,
                                          const std::string& reference) {
  return impl_->Ask(context, RequestAbout("GET", kImage, reference, "/json"), DecodeImage);
}

base::Status Client::PullImage(const CallContext& context, const PullOptions& options,
                               const std::function<void(const Progress&)>& on_progress) {
  auto exchange = impl_->Open(context, PullRequest(options));
  if (!exchange) return Fail(ClassifyPullError(exchange.error()));
  return Impl::ReadObjects(context, *exchange, [&](std::string_view message) -> Result<bool> {
    const auto progress = DecodeProgress(message);
    if (!progress) return Fail(progress.error());
    on_progress(*progress);
    return true;
  });
}

base::Status Client::LoadImage(const CallContext& context, std::string_view archive) {
  auto request = RequestTo("POST", "/images/load", "?quiet=1");
  request.body = archive;
  request.content_type = "application/x-tar";
  auto exchange = impl_->Open(context, std::move(request));
  if (!exchange) return Fail(exchange.error());
  return Impl::ReadObjects(context, *exchange, [](std::string_view message) -> Result<bool> {
    const auto progress = DecodeProgress(message);
    if (!progress) return Fail(progress.error());
    return true;
  });
}

base::Status Client::TagImage(const CallContext& context, const std::string& image,
                              const std::string& repository, const std::string& tag) {
  const auto query = fmt::format("?repo={}&tag={}", UrlEncode(repository), UrlEncode(tag));
  return impl_->Tell(context, RequestAbout("POST", kImage, image, "/tag", query));
}

base::Status Client::RemoveImage(const CallContext& context, const std::string& reference,
                                 bool force) {
  return impl_->Tell(context,
                     RequestAbout("DELETE", kImage, reference, "", force ? "?force=1" : ""));
}

}  // namespace dockershimd::dockerapi
