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

HttpRequest About(const std::string& method, const std::string& reference, const std::string& verb,
                  const std::string& query = {}) {
  return {.operation = fmt::format("{} /images/{{name}}{}", method, verb),
          .method = method,
          .target = fmt::format("/images/{}{}{}", UrlEncode(reference), verb, query)};
}

HttpRequest PullRequest(const PullOptions& options) {
  HttpRequest request{.operation = "POST /images/create",
                      .method = "POST",
                      .target = "/images/create?fromImage=" + UrlEncode(options.reference)};
  if (!options.platform.empty()) request.target += "&platform=" + UrlEncode(options.platform);
  if (options.auth) {
    request.headers.emplace_back("X-Registry-Auth", RegistryAuthHeader(*options.auth));
  }
  return request;
}

std::string Describe(const Progress& progress) {
  if (progress.status.empty()) return "nothing yet";
  return progress.id.empty() ? progress.status : progress.status + " " + progress.id;
}

}  // namespace

Result<std::vector<ImageSummary>> Client::ListImages(const CallContext& context) {
  const auto response = impl_->Call(context, {.operation = "GET /images/json",
                                              .method = "GET",
                                              .target = "/images/json?digests=1"});
  if (!response) return Fail(response.error());
  return DecodeImageList(response->body);
}

Result<ImageDetails> Client::InspectImage(const CallContext& context,
                                          const std::string& reference) {
  const auto response = impl_->Call(context, About("GET", reference, "/json"));
  if (!response) return Fail(response.error());
  return DecodeImage(response->body);
}

base::Status Client::PullImage(const CallContext& context, const PullOptions& options,
                               const std::function<void(const Progress&)>& on_progress) {
  Progress last;
  const auto stalled = [&](const base::Error& error) {
    if (error.code != Code::kDeadlineExceeded || context.IsExpired()) return Fail(error);
    return Fail(Code::kDeadlineExceeded,
                "pull {}: no progress for {} s (last: {}); check the registry and the network",
                options.reference, options.stall_timeout.count(), Describe(last));
  };
  auto exchange = impl_->Open(context.Within(options.stall_timeout), PullRequest(options));
  if (!exchange) return stalled(exchange.error());
  const auto ended =
      impl_->ReadLines([&] { return context.Within(options.stall_timeout); }, *exchange,
                       [&](std::string_view line) -> Result<bool> {
                         auto progress = DecodeProgress(line);
                         if (!progress) return Fail(progress.error());
                         last = *progress;
                         on_progress(*progress);
                         return true;
                       });
  return ended ? base::Status() : stalled(ended.error());
}

base::Status Client::LoadImage(const CallContext& context, std::string_view archive) {
  auto exchange = impl_->Open(context, {.operation = "POST /images/load",
                                        .method = "POST",
                                        .target = "/images/load?quiet=1",
                                        .body = std::string(archive),
                                        .content_type = "application/x-tar"});
  if (!exchange) return Fail(exchange.error());
  return impl_->ReadLines([&] { return context; }, *exchange,
                          [](std::string_view line) -> Result<bool> {
                            const auto progress = DecodeProgress(line);
                            if (!progress) return Fail(progress.error());
                            return true;
                          });
}

base::Status Client::TagImage(const CallContext& context, const std::string& image,
                              const std::string& repository, const std::string& tag) {
  const auto response = impl_->Call(
      context, About("POST", image, "/tag",
                     fmt::format("?repo={}&tag={}", UrlEncode(repository), UrlEncode(tag))));
  return response ? base::Status() : Fail(response.error());
}

base::Status Client::RemoveImage(const CallContext& context, const std::string& reference,
                                 bool force) {
  const auto response =
      impl_->Call(context, About("DELETE", reference, "", force ? "?force=1" : ""));
  return response ? base::Status() : Fail(response.error());
}

}  // namespace dockershimd::dockerapi
