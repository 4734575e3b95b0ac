// Credentials for a registry: from CRI to Docker, and out of messages.

#include <algorithm>
#include <array>

#include "base/encoding.h"
#include "shim/translate/images.h"

namespace dockershimd::shim::translate {
namespace {

using base::Code;
using base::Fail;
using base::Result;

/// How Docker calls its own registry in credentials.
constexpr std::string_view kDockerHubAddress = "https://index.docker.io/v1/";

/// "https://registry.example.com/v1/" → "registry.example.com".
std::string HostOf(std::string_view address) {
  const auto scheme = address.find("://");
  if (scheme != std::string_view::npos) address.remove_prefix(scheme + 3);
  std::string host(address.substr(0, address.find('/')));
  constexpr std::array kDockerHub = {"index.docker.io", "registry-1.docker.io", "docker.io"};
  const bool is_hub = std::find(kDockerHub.begin(), kDockerHub.end(), host) != kDockerHub.end();
  return is_hub ? "docker.io" : host;
}

/// CRI's `auth` is base64 of "user:password"; older clients padded it with zero bytes.
base::Status DecodeUserPassword(const std::string& encoded, dockerapi::RegistryAuth* auth) {
  auto decoded = base::Base64Decode(encoded);
  if (!decoded) return Fail(Code::kInvalidArgument, "auth.auth: is not base64");
  while (decoded->ends_with('\0')) decoded->pop_back();
  const auto colon = decoded->find(':');
  if (colon == std::string::npos) {
    return Fail(Code::kInvalidArgument, "auth.auth: is not base64 of \"user:password\"");
  }
  auth->username = decoded->substr(0, colon);
  auth->password = decoded->substr(colon + 1);
  return {};
}

bool IsEmpty(const runtime::v1::AuthConfig& auth) {
  return auth.username().empty() && auth.password().empty() && auth.auth().empty() &&
         auth.identity_token().empty() && auth.registry_token().empty();
}

/// Where the host part of a URL's text ends, and where the URL does.
std::size_t EndOf(std::string_view text, const char* stop) {
  return std::min(text.find_first_of(stop), text.size());
}

/// One URL without user information and query.
std::string Cleaned(std::string_view url) {
  const auto scheme = url.find("://") + 3;
  std::string_view rest = url.substr(scheme);
  const auto at = rest.substr(0, EndOf(rest, "/?#")).rfind('@');
  if (at != std::string_view::npos) rest.remove_prefix(at + 1);
  const auto query = rest.find('?');
  std::string cleaned(url.substr(0, scheme));
  cleaned += rest.substr(0, query);
  return query == std::string_view::npos ? cleaned : cleaned + "?...";
}

}  // namespace

Result<std::optional<dockerapi::RegistryAuth>> ToRegistryAuth(const runtime::v1::AuthConfig& auth,
                                                              const ImageName& image) {
  if (IsEmpty(auth)) return std::nullopt;
  dockerapi::RegistryAuth docker{auth.username(), auth.password(), auth.server_address(),
                                 auth.identity_token(), auth.registry_token()};
  const bool has_token = !docker.identity_token.empty() || !docker.registry_token.empty();
  if (docker.username.empty() && !has_token) {
    if (auth.auth().empty()) {
      return Fail(Code::kInvalidArgument, "auth.username: is required with auth.password");
    }
    if (auto decoded = DecodeUserPassword(auth.auth(), &docker); !decoded) {
      return Fail(decoded.error());
    }
  }
  if (docker.server_address.empty()) {
    docker.server_address =
        image.domain == "docker.io" ? std::string(kDockerHubAddress) : image.domain;
  } else if (HostOf(docker.server_address) != image.domain) {
    return std::nullopt;
  }
  return docker;
}

std::string WithoutUrlSecrets(std::string_view message) {
  std::string cleaned;
  while (!message.empty()) {
    const auto start =
        std::min({message.find("http://"), message.find("https://"), message.size()});
    cleaned += message.substr(0, start);
    message.remove_prefix(start);
    const auto end = EndOf(message, " \t\r\n\"'<>");
    if (end > 0) cleaned += Cleaned(message.substr(0, end));
    message.remove_prefix(end);
  }
  return cleaned;
}

}  // namespace dockershimd::shim::translate
