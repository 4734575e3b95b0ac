#include <algorithm>
#include <charconv>
#include <initializer_list>

#include "shim/config/config.h"

namespace dockershimd::shim::config {
namespace {

using base::Code;
using base::Fail;

constexpr std::string_view kUnixScheme = "unix://";

base::Status OneOf(std::string_view name, const std::string& value,
                   std::initializer_list<std::string_view> allowed) {
  if (std::find(allowed.begin(), allowed.end(), value) != allowed.end()) return {};
  return Fail(Code::kInvalidArgument, "{}: '{}' is not one of {}", name, value,
              fmt::join(allowed, ", "));
}

base::Status AbsolutePath(std::string_view name, const std::string& value) {
  if (value.starts_with('/')) return {};
  return Fail(Code::kInvalidArgument, "{}: '{}' is not an absolute path", name, value);
}

base::Status InRange(std::string_view name, std::int64_t value, std::int64_t lowest,
                     std::int64_t highest) {
  if (value >= lowest && value <= highest) return {};
  return Fail(Code::kInvalidArgument, "{}: {} is not between {} and {}", name, value, lowest,
              highest);
}

/// "127.0.0.1:80", "[::1]:80".
base::Status Address(std::string_view name, const std::string& value) {
  const auto colon = std::min(value.rfind(':'), value.size());
  const std::string_view host = std::string_view(value).substr(0, colon);
  const std::string_view port = std::string_view(value).substr(std::min(colon + 1, value.size()));
  const bool bracketed = host.starts_with('[') && host.ends_with(']') && host.size() > 2;
  std::uint16_t number = 0;
  const auto read = std::from_chars(port.data(), port.data() + port.size(), number);
  const bool fine = (bracketed || host.find_first_of(":[]") == std::string_view::npos) &&
                    !host.empty() && read.ec == std::errc() &&
                    read.ptr == port.data() + port.size();
  if (fine) return {};
  return Fail(Code::kInvalidArgument, "{}: '{}' is not an address and port such as 127.0.0.1:0",
              name, value);
}

/// Without a path, which is the server's.
base::Status BaseUrl(std::string_view name, const std::string& value) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!value.starts_with(scheme)) continue;
    const auto host = std::string_view(value).substr(scheme.size());
    if (!host.empty() && host.find_first_of("/?#@ ") == std::string_view::npos) return {};
  }
  return Fail(Code::kInvalidArgument, "{}: '{}' is not a URL such as https://node.example:10010",
              name, value);
}

base::Status Tls(const Config& config) {
  if (config.stream_tls_cert.empty() != config.stream_tls_key.empty()) {
    return Fail(Code::kInvalidArgument, "stream_tls_cert and stream_tls_key only go together");
  }
  for (const auto& [name, file] : {std::pair("stream_tls_cert", config.stream_tls_cert),
                                   std::pair("stream_tls_key", config.stream_tls_key)}) {
    if (file.empty()) continue;
    if (auto absolute = AbsolutePath(name, file); !absolute) return absolute;
  }
  return {};
}

/// "10m" as Docker's max-size takes it.
base::Status LogSize(const std::string& value) {
  const auto digits = value.find_first_not_of("0123456789");
  const bool fine = digits != 0 && !value.empty() && value[0] != '0' &&
                    (digits == std::string::npos ||
                     (digits + 1 == value.size() &&
                      std::string_view("kmg").find(value[digits]) != std::string_view::npos));
  if (fine) return {};
  return Fail(Code::kInvalidArgument,
              "container_log_max_size: '{}' is not a size such as 10m (k, m or g)", value);
}

}  // namespace

base::Result<std::string> SocketPath(const std::string& endpoint) {
  const std::string path =
      endpoint.starts_with(kUnixScheme) ? endpoint.substr(kUnixScheme.size()) : endpoint;
  if (path.starts_with('/') && path.size() <= 107) return path;
  return Fail(Code::kInvalidArgument,
              "'{}' is not unix:// and an absolute path of at most 107 characters", endpoint);
}

base::Status Validate(const Config& config) {
  for (const auto& [name, endpoint] :
       {std::pair("listen", config.listen), std::pair("docker", config.docker)}) {
    if (auto path = SocketPath(endpoint); !path) return Fail(path.error(), name);
  }
  base::Status ok = AbsolutePath("state_dir", config.state_dir);
  if (ok) ok = AbsolutePath("cni_conf_dir", config.cni_conf_dir);
  if (ok) ok = AbsolutePath("cni_cache_dir", config.cni_cache_dir);
  for (const auto& folder : config.cni_bin_dir) {
    if (ok) ok = AbsolutePath("cni_bin_dir", folder);
  }
  if (ok) ok = OneOf("network", config.network, {"auto", "cni", "bridge"});
  if (ok) ok = OneOf("log_level", config.log_level, {"trace", "debug", "info", "warn", "error"});
  if (ok) ok = OneOf("log_format", config.log_format, {"text", "json"});
  if (ok) ok = Address("stream_address", config.stream_address);
  if (ok && !config.metrics_address.empty()) {
    ok = Address("metrics_address", config.metrics_address);
  }
  if (ok && !config.stream_base_url.empty()) {
    ok = BaseUrl("stream_base_url", config.stream_base_url);
  }
  if (ok) ok = Tls(config);
  if (ok) ok = InRange("stream_token_lifetime", config.stream_token_lifetime, 1, 3600);
  if (ok) ok = InRange("stream_creation_timeout", config.stream_creation_timeout, 1, 3600);
  if (ok) ok = InRange("stream_idle_timeout", config.stream_idle_timeout, 1, 30 * 86400);
  if (ok) ok = InRange("stream_max_pending", config.stream_max_pending, 1, 1000000);
  if (ok) ok = InRange("stream_max_sessions", config.stream_max_sessions, 1, 1000000);
  if (ok) ok = LogSize(config.container_log_max_size);
  if (ok) ok = InRange("container_log_max_files", config.container_log_max_files, 1, 1000);
  if (ok) ok = InRange("image_pull_stall_timeout", config.image_pull_stall_timeout, 1, 86400);
  return ok;
}

}  // namespace dockershimd::shim::config
