#include "stalling_registry.h"

#include <fmt/format.h>
#include <httplib.h>

#include <atomic>
#include <chrono>
#include <thread>

namespace dockershimd::testsupport {
namespace {

constexpr const char* kManifestType = "application/vnd.docker.distribution.manifest.v2+json";
const std::string kConfig =
    R"({"architecture":"amd64","os":"linux","config":{},"rootfs":{"type":"layers","diff_ids":)"
    R"(["sha256:1111111111111111111111111111111111111111111111111111111111111111"]}})";
const std::string kConfigDigest =
    "sha256:e22c27134a5cc2301fc1c6d56fd67161a389c05ecff827c1cededfc84a2bf1db";
const std::string kLayerDigest = "sha256:" + std::string(64, '2');
constexpr std::size_t kLayerSize = 4 << 20;
constexpr std::size_t kBeginning = 64 << 10;

std::string Manifest() {
  return fmt::format(
      R"({{"schemaVersion":2,"mediaType":"{}",)"
      R"("config":{{"mediaType":"application/vnd.docker.container.image.v1+json",)"
      R"("size":{},"digest":"{}"}},)"
      R"("layers":[{{"mediaType":"application/vnd.docker.image.rootfs.diff.tar.gzip",)"
      R"("size":{},"digest":"{}"}}]}})",
      kManifestType, kConfig.size(), kConfigDigest, kLayerSize, kLayerDigest);
}

}  // namespace

class StallingRegistry::Impl {
 public:
  Impl() {
    server_.Get("/v2/", [](const httplib::Request&, httplib::Response& response) {
      response.set_content("{}", "application/json");
    });
    server_.Get("/v2/app/manifests/.*", [](const httplib::Request&, httplib::Response& response) {
      response.set_content(Manifest(), kManifestType);
    });
    server_.Get("/v2/app/blobs/" + kConfigDigest,
                [](const httplib::Request&, httplib::Response& response) {
                  response.set_content(kConfig, "application/octet-stream");
                });
    server_.Get("/v2/app/blobs/" + kLayerDigest, [this](const httplib::Request&,
                                                        httplib::Response& response) {
      response.set_content_provider(kLayerSize, "application/octet-stream",
                                    [this](std::size_t offset, std::size_t,
                                           httplib::DataSink& sink) { return Send(offset, sink); });
    });
    port_ = server_.bind_to_any_port("127.0.0.1");
    thread_ = std::jthread([this] { server_.listen_after_bind(); });
  }
  ~Impl() {
    ending_ = true;
    server_.stop();
  }

  [[nodiscard]] int Port() const { return port_; }
  [[nodiscard]] bool HasBegun() const { return begun_; }

 private:
  bool Send(std::size_t offset, httplib::DataSink& sink) {
    if (offset == 0) {
      const std::string beginning(kBeginning, 'x');
      begun_ = true;
      return sink.write(beginning.data(), beginning.size());
    }
    while (!ending_ && sink.is_writable()) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return false;
  }

  std::atomic<bool> begun_ = false;
  std::atomic<bool> ending_ = false;
  int port_ = 0;
  httplib::Server server_;
  std::jthread thread_;
};

StallingRegistry::StallingRegistry() : impl_(std::make_unique<Impl>()) {}
StallingRegistry::~StallingRegistry() = default;

std::string StallingRegistry::Address() const {
  return "127.0.0.1:" + std::to_string(impl_->Port());
}

bool StallingRegistry::HasBegun() const { return impl_->HasBegun(); }

}  // namespace dockershimd::testsupport
