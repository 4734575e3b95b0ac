// Mounts and devices that a container asks for.
#include <fstream>
#include <system_error>

#include "compare/scenario.h"

namespace dockershimd::compare {
namespace {

cri::Mount& AddMount(cri::ContainerConfig* config, const std::filesystem::path& source,
                     const std::string& target) {
  auto& mount = *config->add_mounts();
  mount.set_host_path(source.string());
  mount.set_container_path(target);
  return mount;
}

void Binds(Session& s) {
  const auto pod = s.RunPod(s.PodConfig("binds"));
  const auto folder = s.Folder("data");
  std::ofstream(folder / "file") << "content\n";
  std::error_code ignored;
  std::filesystem::create_symlink("data", folder.parent_path() / "link", ignored);
  auto config = s.Sleeper("main");
  AddMount(&config, folder, "/writable");
  AddMount(&config, folder, "/readonly").set_readonly(true);
  AddMount(&config, folder / "file", "/etc/one-file");
  AddMount(&config, folder.parent_path() / "link", "/linked");
  AddMount(&config, folder, "/slave").set_propagation(cri::PROPAGATION_HOST_TO_CONTAINER);
  AddMount(&config, folder, "/deep/and/new");
  const auto id = s.Run(pod, config);
  s.Record("status", s.Status(id));
  s.Observe("a file", s.Output(id, "cat /etc/one-file /linked/file /deep/and/new/file"));
  s.Observe("a read-only mount",
            s.Output(id, "touch /readonly/x 2>/dev/null && echo writable || echo read-only"));
  (void)s.Output(id, "echo back >/writable/back");
  s.Verify("what is written reaches the node", std::filesystem::exists(folder / "back"));
  s.Observe("propagation of a private mount",
            s.Output(id,
                     "grep -E ' /writable ' /proc/self/mountinfo | "
                     "grep -oE 'shared|master' || echo private"));
  s.Observe("propagation from the node", s.Output(id,
                                                  "grep -E ' /slave ' /proc/self/mountinfo | "
                                                  "grep -oE 'shared|master' || echo private"));
}

void MissingSource(Session& s) {
  const auto pod = s.RunPod(s.PodConfig("missing"));
  const auto folder = s.Folder("data");
  auto config = s.Sleeper("main");
  AddMount(&config, folder / "not-there", "/data");
  const auto created = s.TryCreate(pod, config);
  s.Observe("a source that is not there is", !created                ? "refused at creation"
                                             : !s.TryStart(*created) ? "refused at start"
                                             : std::filesystem::is_directory(folder / "not-there")
                                                 ? "made as a folder"
                                                 : "left out");
}

void RecursiveReadOnly(Session& s) {
  const auto pod = s.RunPod(s.PodConfig("recursive"));
  const auto folder = s.Folder("data");
  auto config = s.Sleeper("main");
  auto& mount = AddMount(&config, folder, "/data");
  mount.set_readonly(true);
  mount.set_recursive_read_only(true);
  const auto id = s.Run(pod, config);
  s.Record("status", s.Status(id));
  auto wrong = s.Sleeper("wrong");
  AddMount(&wrong, folder, "/data").set_recursive_read_only(true);
  s.ObserveCode("recursive read-only without read-only", s.TryCreate(pod, wrong));
}

void Devices(Session& s) {
  const auto pod = s.RunPod(s.PodConfig("devices"));
  auto config = s.Sleeper("main");
  auto& device = *config.add_devices();
  device.set_host_path("/dev/null");
  device.set_container_path("/dev/cri-compare");
  device.set_permissions("rw");
  const auto id = s.Run(pod, config);
  s.Observe("the device", s.Output(id, "stat -c '%F, %a' /dev/cri-compare"));
  auto missing = s.Sleeper("missing");
  missing.add_devices()->set_host_path("/dev/not-there");
  missing.mutable_devices(0)->set_container_path("/dev/x");
  missing.mutable_devices(0)->set_permissions("r");
  const auto created = s.TryCreate(pod, missing);
  s.Verify("a device that is not there is refused",
           !created.has_value() || !s.TryStart(*created).has_value());
}

void ImageMount(Session& s) {
  const auto pod = s.RunPod(s.PodConfig("imagemount"));
  auto config = s.Sleeper("main");
  auto& mount = *config.add_mounts();
  mount.set_container_path("/image");
  mount.set_readonly(true);
  mount.mutable_image()->set_image(s.Config().image);
  const auto created = s.TryCreate(pod, config);
  s.ObserveCode("an image as a volume", created);
  if (!created) return;
  s.Start(*created);
  s.Observe("its content", s.Output(*created, "test -e /image/bin/sh && echo there"));
}

constexpr Scenario kScenarios[] = {
    {"storage/binds", "folders and files of the node, propagation", Binds},
    {"storage/missing-source", "a folder of the node that is not there", MissingSource},
    {"storage/recursive-read-only", "recursive read-only mounts", RecursiveReadOnly},
    {"storage/devices", "devices of the node", Devices},
    {"storage/image-mount", "an image as a volume", ImageMount},
};

}  // namespace

std::span<const Scenario> StorageScenarios() { return kScenarios; }

}  // namespace dockershimd::compare
