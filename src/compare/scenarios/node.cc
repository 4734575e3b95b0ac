// What the runtime says of itself and of the node.
#include "compare/scenario.h"

namespace dockershimd::compare {
namespace {

void Version(Session& s) {
  cri::VersionRequest request;
  request.set_version("v1");
  s.Record("version", s.Ask("Version", &Runtime::Version, request));
}

void Status(Session& s) {
  cri::StatusRequest request;
  const auto status = s.Ask("Status", &Runtime::Status, request);
  s.Record("status", status);
  for (const auto& condition : status.status().conditions()) {
    s.Verify(condition.type(), condition.status(), condition.reason() + " " + condition.message());
  }
  request.set_verbose(true);
  const auto verbose = s.Ask("Status", &Runtime::Status, request);
  s.Verify("verbose status has info", !verbose.info().empty());
}

void Configuration(Session& s) {
  s.Record("runtime config",
           s.Ask("RuntimeConfig", &Runtime::RuntimeConfig, cri::RuntimeConfigRequest()));
  s.ObserveCode("UpdateRuntimeConfig",
                s.Try(&Runtime::UpdateRuntimeConfig, cri::UpdateRuntimeConfigRequest()));
}

void ImageFileSystem(Session& s) {
  // Runtimes measure in the background.
  cri::ImageFsInfoResponse info;
  const bool measured = s.WaitUntil(
      [&] {
        info = s.Ask("ImageFsInfo", &ImageApi::ImageFsInfo, cri::ImageFsInfoRequest());
        return info.image_filesystems_size() > 0 &&
               info.image_filesystems(0).used_bytes().value() > 0;
      },
      std::chrono::seconds(60));
  s.Verify("the images' use is known within 60 s", measured);
  s.Verify("images lie somewhere", info.image_filesystems_size() > 0);
  s.Verify("containers lie somewhere", info.container_filesystems_size() > 0);
  for (const auto& system : info.container_filesystems()) {
    s.Name(system.fs_id().mountpoint(), "<image folder>");
  }
  for (const auto& system : info.image_filesystems()) {
    s.Name(system.fs_id().mountpoint(), "<image folder>");
  }
  s.Record("file systems", info);
}

constexpr Scenario kScenarios[] = {
    {"node/version", "name and version of the runtime", Version},
    {"node/status", "conditions, runtime handlers and features", Status},
    {"node/configuration", "cgroup driver, pod CIDR", Configuration},
    {"node/image-file-system", "where images and containers lie, and their use", ImageFileSystem},
};

}  // namespace

std::span<const Scenario> NodeScenarios() { return kScenarios; }

}  // namespace dockershimd::compare
