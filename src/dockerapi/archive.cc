#include <filesystem>

#include "dockerapi/client.h"
#include "dockerapi/client_impl.h"
#include "dockerapi/encode.h"
#include "dockerapi/tar_entry.h"

namespace dockershimd::dockerapi {

using base::CallContext;
using base::Code;
using base::Fail;
using base::Result;

Result<std::string> Client::ReadContainerFile(const CallContext& context, const std::string& id,
                                              const std::string& path, std::size_t limit) {
  constexpr int kMostLinks = 8;
  std::filesystem::path current = path;
  for (int links = 0; links < kMostLinks; ++links) {
    auto exchange =
        impl_->Open(context, {.operation = "GET /containers/{id}/archive",
                              .method = "GET",
                              .target = fmt::format("/containers/{}/archive?path={}", UrlEncode(id),
                                                    UrlEncode(current.string()))});
    if (!exchange) return Fail(exchange.error());
    const auto archive = exchange->ReadAll(context, limit);
    if (!archive) return Fail(archive.error());
    auto entry = FirstTarEntry(*archive);
    if (!entry) return Fail(entry.error(), current.string());
    if (entry->link_target.empty()) return std::move(entry->content);
    // Docker keeps to the container's root whatever the path says.
    current = (current.parent_path() / entry->link_target).lexically_normal();
  }
  return Fail(Code::kInvalidArgument, "{}: too many symbolic links", path);
}

}  // namespace dockershimd::dockerapi
