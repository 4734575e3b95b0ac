#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "shim/config/config.h"

namespace dockershimd::shim::config {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

/// The message for a configuration with one change; empty where it is fine.
template <class Value>
std::string With(Value Config::* member, Value value) {
  Config config;
  config.*member = std::move(value);
  const auto valid = Validate(config);
  if (valid) return "";
  EXPECT_EQ(valid.error().code, base::Code::kInvalidArgument);
  return valid.error().message;
}

std::string With(std::string Config::* member, const char* value) {
  return With(member, std::string(value));
}

TEST(Validate, Defaults) { EXPECT_TRUE(Validate(Config())); }

TEST(Validate, Endpoints) {
  for (const auto& [member, name] :
       {std::pair(&Config::listen, "listen"), std::pair(&Config::docker, "docker")}) {
    EXPECT_EQ(With(member, "/run/x.sock"), "");
    EXPECT_EQ(With(member, "unix:///run/x.sock"), "");
    for (const std::string bad : {"", "unix://", "unix://relative", "tcp://127.0.0.1:2375", "x"}) {
      EXPECT_THAT(With(member, bad), AllOf(StartsWith(name), HasSubstr("'" + bad + "'")));
    }
    EXPECT_EQ(With(member, "unix:///" + std::string(106, 'x')), "");
    EXPECT_THAT(With(member, "unix:///" + std::string(107, 'x')), HasSubstr("107"));
  }
}

TEST(Validate, Folders) {
  for (const auto& [member, name] : {std::pair(&Config::state_dir, "state_dir"),
                                     std::pair(&Config::cni_conf_dir, "cni_conf_dir"),
                                     std::pair(&Config::cni_cache_dir, "cni_cache_dir")}) {
    EXPECT_EQ(With(member, "/x"), "");
    EXPECT_EQ(With(member, "x"), fmt::format("{}: 'x' is not an absolute path", name));
    EXPECT_EQ(With(member, ""), fmt::format("{}: '' is not an absolute path", name));
  }
  EXPECT_EQ(With(&Config::cni_bin_dir, std::vector<std::string>{"/x", "y"}),
            "cni_bin_dir: 'y' is not an absolute path");
}

TEST(Validate, StreamingServer) {
  EXPECT_EQ(With(&Config::stream_tls_cert, "/x.pem"),
            "stream_tls_cert and stream_tls_key only go together");
  Config config;
  config.stream_tls_cert = "/x.pem";
  config.stream_tls_key = "/y.pem";
  EXPECT_TRUE(Validate(config));
  config.stream_tls_key = "y.pem";
  EXPECT_EQ(Validate(config).error().message, "stream_tls_key: 'y.pem' is not an absolute path");
  for (const auto* url : {"", "http://10.0.0.1:10010", "https://[fd00::1]:1", "https://node"}) {
    EXPECT_EQ(With(&Config::stream_base_url, url), "");
  }
  for (const auto* url : {"node:1", "https://", "https://node/", "ftp://node", "https://a b"}) {
    EXPECT_THAT(With(&Config::stream_base_url, url), HasSubstr("is not a URL such as"));
  }
  for (const auto& [member, name] :
       {std::pair(&Config::stream_token_lifetime, "stream_token_lifetime"),
        std::pair(&Config::stream_creation_timeout, "stream_creation_timeout"),
        std::pair(&Config::stream_idle_timeout, "stream_idle_timeout"),
        std::pair(&Config::stream_max_pending, "stream_max_pending"),
        std::pair(&Config::stream_max_sessions, "stream_max_sessions")}) {
    EXPECT_EQ(With(member, std::int64_t{1}), "");
    EXPECT_THAT(With(member, std::int64_t{0}),
                AllOf(StartsWith(name), HasSubstr(": 0 is not between 1 and ")));
  }
}

TEST(Validate, Choices) {
  for (const auto* network : {"auto", "cni", "bridge"}) {
    EXPECT_EQ(With(&Config::network, network), "");
  }
  EXPECT_EQ(With(&Config::network, "Auto"), "network: 'Auto' is not one of auto, cni, bridge");
  EXPECT_EQ(With(&Config::log_level, "verbose"),
            "log_level: 'verbose' is not one of trace, debug, info, warn, error");
  EXPECT_EQ(With(&Config::log_format, ""), "log_format: '' is not one of text, json");
}

TEST(Validate, LogSize) {
  for (const auto* size : {"1", "10m", "5k", "1g", "123456"}) {
    EXPECT_EQ(With(&Config::container_log_max_size, size), "") << size;
  }
  for (const auto* size : {"", "m", "0", "0m", "-1", "10mb", "10 m", "10M", "1.5m", "unlimited"}) {
    EXPECT_THAT(With(&Config::container_log_max_size, size),
                StartsWith("container_log_max_size: '"))
        << size;
  }
}

TEST(Validate, Numbers) {
  EXPECT_EQ(With(&Config::container_log_max_files, std::int64_t{1}), "");
  EXPECT_EQ(With(&Config::container_log_max_files, std::int64_t{0}),
            "container_log_max_files: 0 is not between 1 and 1000");
  EXPECT_EQ(With(&Config::image_pull_stall_timeout, std::int64_t{-1}),
            "image_pull_stall_timeout: -1 is not between 1 and 86400");
}

TEST(Validate, Addresses) {
  for (const auto* address : {"127.0.0.1:0", "[::1]:10250", "0.0.0.0:65535", "localhost:80"}) {
    EXPECT_EQ(With(&Config::stream_address, address), "") << address;
    EXPECT_EQ(With(&Config::metrics_address, address), "") << address;
  }
  EXPECT_EQ(With(&Config::metrics_address, ""), "");
  for (const auto* address :
       {"127.0.0.1", ":80", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:x", "::1:80", "[::1]"}) {
    EXPECT_THAT(With(&Config::stream_address, address), StartsWith("stream_address: '")) << address;
    EXPECT_THAT(With(&Config::metrics_address, address), StartsWith("metrics_address: '"))
        << address;
  }
  EXPECT_THAT(With(&Config::stream_address, ""), StartsWith("stream_address: '"));
}

TEST(SocketPath, WithAndWithoutScheme) {
  EXPECT_EQ(SocketPath("unix:///run/a.sock"), "/run/a.sock");
  EXPECT_EQ(SocketPath("/run/a.sock"), "/run/a.sock");
  EXPECT_FALSE(SocketPath("unix:/run/a.sock"));
}

}  // namespace
}  // namespace dockershimd::shim::config
