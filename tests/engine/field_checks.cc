#include "field_checks.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <httplib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "eventually.h"
#include "expected.h"
#include "pods.h"

namespace dockershimd::tests {
namespace {

namespace cri_v1 = runtime::v1;
using cri_v1::MountPropagation;
using cri_v1::NamespaceMode;
using cri_v1::SecurityProfile;
using Texts = std::map<std::string, std::string>;

std::string ReadText(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string Trimmed(std::string text) {
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

Texts ToMap(const google::protobuf::Map<std::string, std::string>& map) {
  return {map.begin(), map.end()};
}

template <class List>
std::string TextOf(const List& messages) {
  std::string text;
  for (const auto& message : messages) text += "{" + message.ShortDebugString() + "}";
  return text;
}

Ids Numbers(const std::string& text) {
  Ids ids;
  std::istringstream words(text);
  for (std::int64_t id = 0; words >> id;) ids.insert(id);
  return ids;
}

std::int64_t First(const std::string& text) {
  const auto space = text.find(' ');
  return text.empty() ? -1 : std::stoll(text.substr(0, space));
}

}  // namespace

template <class Seen, class Expected>
void FieldChecks::Expect(const std::string& field, const Seen& seen, const Expected& expected) {
  if (!(seen == expected)) {
    wrong_.push_back(fmt::format("{}: seen {}, expected {}", field, seen, expected));
  }
}

std::string FieldChecks::Inside(const RunningPod& seen, const std::vector<std::string>& command) {
  const auto result = Exec(cri_, seen.container_id, command);
  if (!result) return result.error().message;
  return Trimmed(result->stdout() + result->stderr());
}

std::vector<std::string> FieldChecks::Running(const RandomPod& random, const RunningPod& seen) {
  wrong_.clear();
  PodStatusEchoes(random, seen);
  ContainerStatusEchoes(random, seen);
  Pause(random, seen);
  Network(random, seen);
  Process(random, seen);
  Namespaces(random, seen);
  Mounts(random, seen);
  Devices(random, seen);
  User(random, seen);
  Security(random, seen);
  Resources(random.container.linux().resources(), seen);
  // containerd's shim, which starts it, has given itself one more than its parent.
  Expect("linux.resources.oom_score_adj", First(seen.process.Text("oom_score_adj")),
         ExpectedOomScore(random.container.linux().resources().oom_score_adj(), 1));
  return wrong_;
}

std::vector<std::string> FieldChecks::Updated(const RandomPod& random, const RunningPod& seen) {
  wrong_.clear();
  // What is not in the update stays.
  auto now = random.container.linux().resources();
  now.MergeFrom(random.changed);
  if (random.changed.memory_limit_in_bytes() != 0) {
    now.set_memory_swap_limit_in_bytes(random.changed.memory_swap_limit_in_bytes());
  }
  Resources(now, seen);
  return wrong_;
}

std::vector<std::string> FieldChecks::Stopped(const RandomPod& random, const RunningPod& seen) {
  wrong_.clear();
  const auto status = StatusOf(cri_, seen.container_id);
  if (!status) return {status.error().message};
  // The number that the container's own handler of the stop signal ends with.
  Expect("stop_signal: exit_code", status->exit_code(), 7);
  Expect("status.reason", status->reason(), std::string("Error"));
  Expect("status.state", cri_v1::ContainerState_Name(status->state()),
         std::string("CONTAINER_EXITED"));
  Expect("status.finished_at after started_at", status->finished_at() > status->started_at(), true);
  const auto log = random.pod.log_directory() + "/" + random.container.log_path();
  Expect("stop_signal: log",
         Eventually([&] { return ReadText(log).find("stopped") != std::string::npos; }), true);
  return wrong_;
}

void FieldChecks::PodStatusEchoes(const RandomPod& random, const RunningPod& seen) {
  const auto status = PodStatus(cri_, seen.pod_id);
  if (!status) return wrong_.push_back(status.error().message);
  const auto& pod = random.pod;
  const auto& options = pod.linux().security_context().namespace_options();
  Expect("pod.metadata", status->metadata().ShortDebugString(), pod.metadata().ShortDebugString());
  Expect("pod.labels", ToMap(status->labels()), ToMap(pod.labels()));
  Expect("pod.annotations", ToMap(status->annotations()), ToMap(pod.annotations()));
  Expect("pod.state", cri_v1::PodSandboxState_Name(status->state()), std::string("SANDBOX_READY"));
  Expect("runtime_handler", status->runtime_handler(), random.runtime_handler);
  Expect("pod.namespaces", status->linux().namespaces().options().ShortDebugString(),
         options.ShortDebugString());
  Expect("pod.network.ip", status->network().ip().empty(),
         options.network() == NamespaceMode::NODE);
}

void FieldChecks::ContainerStatusEchoes(const RandomPod& random, const RunningPod& seen) {
  const auto status = StatusOf(cri_, seen.container_id);
  if (!status) return wrong_.push_back(status.error().message);
  const auto& config = random.container;
  const auto& image = config.image();
  Expect("metadata", status->metadata().ShortDebugString(), config.metadata().ShortDebugString());
  Expect("labels", ToMap(status->labels()), ToMap(config.labels()));
  Expect("annotations", ToMap(status->annotations()), ToMap(config.annotations()));
  Expect("mounts", TextOf(status->mounts()), TextOf(config.mounts()));
  Expect("state", cri_v1::ContainerState_Name(status->state()), std::string("CONTAINER_RUNNING"));
  Expect("image", status->image().image(),
         image.user_specified_image().empty() ? image.image() : image.user_specified_image());
  cri_v1::ImageStatusRequest request;
  *request.mutable_image() = image;
  const auto found = cri_.Call(&ImageApi::ImageStatus, request);
  const std::string id = found ? found->image().id() : found.error().message;
  Expect("image_ref", status->image_ref(), id);
  Expect("image_id", status->image_id(), id);
  Expect("log_path", status->log_path(), random.pod.log_directory() + "/" + config.log_path());
  const auto signal = config.stop_signal() == cri_v1::SIGNAL_RUNTIME_DEFAULT
                          ? cri_v1::SIGNAL_SIGTERM
                          : config.stop_signal();
  Expect("stop_signal", cri_v1::Signal_Name(status->stop_signal()), cri_v1::Signal_Name(signal));
  Expect("started_at", status->started_at() >= status->created_at(), true);
  Expect("finished_at", status->finished_at(), 0);
  const auto expected = ExpectedIdentity(config);
  const auto& user = status->user().linux();
  Expect("user.uid", user.uid(), expected.uid);
  Expect("user.gid", user.gid(), expected.gid);
  Ids groups(user.supplemental_groups().begin(), user.supplemental_groups().end());
  groups.insert(user.gid());
  Expect("user.supplemental_groups", groups, expected.groups);
  StatusResources(config.linux().resources(), status->resources().linux());
}

void FieldChecks::StatusResources(const cri_v1::LinuxContainerResources& asked,
                                  const cri_v1::LinuxContainerResources& shown) {
  auto expected = asked;
  if (asked.memory_swap_limit_in_bytes() == 0) {
    expected.set_memory_swap_limit_in_bytes(asked.memory_limit_in_bytes());
  }
  expected.set_oom_score_adj(ExpectedOomScore(asked.oom_score_adj()));
  Expect("status.resources", shown.ShortDebugString(), expected.ShortDebugString());
}

void FieldChecks::Pause(const RandomPod& random, const RunningPod& seen) {
  const auto& security = random.pod.linux().security_context();
  if (security.has_run_as_user()) {
    Expect("pod.run_as_user", First(seen.pause.Status("Uid")), security.run_as_user().value());
  }
  if (security.has_run_as_group()) {
    Expect("pod.run_as_group", First(seen.pause.Status("Gid")), security.run_as_group().value());
  }
  Ids wanted(security.supplemental_groups().begin(), security.supplemental_groups().end());
  Ids groups = Numbers(seen.pause.Status("Groups"));
  const auto gid = First(seen.pause.Status("Gid"));
  wanted.insert(gid);
  groups.insert(gid);
  Expect("pod.supplemental_groups", groups, wanted);
  Expect("pod.seccomp", seen.pause.Status("Seccomp"), ExpectedSeccomp(security));
  const auto& mounts = seen.pause.Mounts();
  Expect("pod.readonly_rootfs", mounts.contains("/") && mounts.at("/").options.contains("ro"),
         true);
  const auto& parent = random.pod.linux().cgroup_parent();
  Expect("pod.cgroup_parent of the pause process", seen.pause.Cgroup("memory").starts_with(parent),
         true);
  Expect("pod.cgroup_parent", seen.process.Cgroup("memory").starts_with(parent), true);
}

void FieldChecks::Network(const RandomPod& random, const RunningPod& seen) {
  const auto& pod = random.pod;
  const auto& options = random.container.linux().security_context().namespace_options();
  const auto& dns = pod.dns_config();
  std::string resolv;
  if (dns.searches_size() > 0) resolv += fmt::format("search {}\n", fmt::join(dns.searches(), " "));
  for (const auto& server : dns.servers()) resolv += "nameserver " + server + "\n";
  if (dns.options_size() > 0) resolv += fmt::format("options {}\n", fmt::join(dns.options(), " "));
  if (!resolv.empty()) Expect("dns_config", seen.process.File("/etc/resolv.conf"), resolv);

  std::array<char, 256> own{};
  ::gethostname(own.data(), own.size());
  const bool is_hosts = options.network() == NamespaceMode::NODE;
  Expect("hostname", Inside(seen, {"hostname"}), is_hosts ? own.data() : pod.hostname());

  for (const auto& [name, value] : pod.linux().sysctls()) {
    if (name.starts_with("kernel.") && options.ipc() != NamespaceMode::POD) continue;
    std::string path = "/proc/sys/" + name;
    std::ranges::replace(path, '.', '/');
    Expect("sysctls[" + name + "]", Inside(seen, {"cat", path}), value);
  }
  for (const auto& port : pod.port_mappings()) {
    httplib::Client client(host_.node_address, port.host_port());
    const bool answers = Eventually([&] {
      const auto answer = client.Get("/group");
      return answer && answer->body.find("group-defined-in-image") != std::string::npos;
    });
    Expect(fmt::format("port_mappings[{}]", port.host_port()), answers, true);
  }
}

void FieldChecks::Process(const RandomPod& random, const RunningPod& seen) {
  const auto& config = random.container;
  std::vector<std::string> words(config.command().begin(), config.command().end());
  words.insert(words.end(), config.args().begin(), config.args().end());
  Expect("command and args", seen.process.Words("cmdline"), words);
  Expect("working_dir", seen.process.Link("cwd"),
         config.working_dir().empty() ? "/" : config.working_dir());
  const auto environment = seen.process.Words("environ");
  const auto has = [&](const std::string& variable) {
    return std::ranges::find(environment, variable) != environment.end();
  };
  for (const auto& variable : config.envs()) {
    Expect("envs[" + variable.key() + "]", has(variable.key() + "=" + variable.value()), true);
  }
  for (const auto& device : config.cdi_devices()) {
    Expect("CDI_devices[" + device.name() + "]", has("CDI_THING=one"), true);
  }
  const auto input = seen.process.Link("fd/0");
  const std::string kind = input.starts_with("pipe:")      ? "pipe"
                           : input == "/dev/null"          ? "nothing"
                           : input.starts_with("/dev/pts") ? "terminal"
                                                           : input;
  Expect("tty and stdin", kind,
         std::string(config.tty()     ? "terminal"
                     : config.stdin() ? "pipe"
                                      : "nothing"));
  const auto log = random.pod.log_directory() + "/" + config.log_path();
  Expect("log_path", Eventually([&] { return ReadText(log).find("started") != std::string::npos; }),
         true);
}

void FieldChecks::Namespaces(const RandomPod& random, const RunningPod& seen) {
  const ProcessView self(::getpid());
  const auto check = [&](const std::string& field, const ProcessView& process,
                         const std::string& kind, NamespaceMode mode) {
    const auto own = process.Link("ns/" + kind);
    const std::string whose = own == self.Link("ns/" + kind)         ? "NODE"
                              : own == seen.pause.Link("ns/" + kind) ? "POD"
                                                                     : "CONTAINER";
    Expect(field, whose, cri_v1::NamespaceMode_Name(mode));
  };
  const auto& options = random.container.linux().security_context().namespace_options();
  check("namespace_options.network", seen.process, "net", options.network());
  check("namespace_options.pid", seen.process, "pid", options.pid());
  check("namespace_options.ipc", seen.process, "ipc", options.ipc());
  const auto& pod = random.pod.linux().security_context().namespace_options();
  const auto pods = [](NamespaceMode mode) {
    return mode == NamespaceMode::NODE ? mode : NamespaceMode::POD;
  };
  check("pod.namespace_options.network", seen.pause, "net", pods(pod.network()));
  check("pod.namespace_options.pid", seen.pause, "pid", pods(pod.pid()));
  check("pod.namespace_options.ipc", seen.pause, "ipc", pods(pod.ipc()));
}

void FieldChecks::Mounts(const RandomPod& random, const RunningPod& seen) {
  const auto& mounts = seen.process.Mounts();
  for (const auto& mount : random.container.mounts()) {
    const std::string& place = mount.container_path();
    const std::string field = "mounts[" + mount.ShortDebugString() + "]";
    if (!mounts.contains(place)) {
      wrong_.push_back(field + ": is not there");
      continue;
    }
    const auto& found = mounts.at(place);
    Expect(field + " readonly", found.options.contains("ro"), mount.readonly());
    if (mount.has_image()) {
      const bool whole = mount.image_sub_path().empty();
      const auto content = seen.process.File(place + (whole ? "/image-name" : "/group"));
      Expect(field, content.empty(), false);
      continue;
    }
    const std::string propagation =
        mount.propagation() == MountPropagation::PROPAGATION_PRIVATE             ? "private"
        : mount.propagation() == MountPropagation::PROPAGATION_HOST_TO_CONTAINER ? "slave"
                                                                                 : "shared";
    Expect(field + " propagation", found.propagation, propagation);
    if (mount.host_path().ends_with("/file")) {
      Expect(field, seen.process.File(place), std::string("content\n"));
      continue;
    }
    if (mount.host_path().find("/missing/") != std::string::npos) {
      Expect(field, std::filesystem::is_directory(seen.process.Path(place)), true);
      continue;
    }
    Expect(field, seen.process.File(place + "/file"), std::string("content\n"));
    // Something else is mounted below.
    const std::string below = place + "/below";
    Expect(field + " below", mounts.contains(below), true);
    if (!mounts.contains(below)) continue;
    Expect(field + " recursive_read_only", mounts.at(below).options.contains("ro"),
           mount.recursive_read_only());
  }
}

void FieldChecks::Devices(const RandomPod& random, const RunningPod& seen) {
  const auto cgroup = "/sys/fs/cgroup/devices" + seen.process.Cgroup("devices");
  const auto allowed = ReadText(cgroup + "/devices.list");
  for (const auto& device : random.container.devices()) {
    const std::string& place =
        device.container_path().empty() ? device.host_path() : device.container_path();
    struct stat host{};
    struct stat inside{};
    ::stat(device.host_path().c_str(), &host);
    const int error = ::stat(seen.process.Path(place).c_str(), &inside);
    Expect("devices[" + place + "]",
           error == 0 && S_ISCHR(inside.st_mode) && host.st_rdev == inside.st_rdev, true);
    if (random.container.linux().security_context().privileged() || allowed.empty()) continue;
    const auto rule = fmt::format("c {}:{} {}\n", major(host.st_rdev), minor(host.st_rdev),
                                  device.permissions().empty() ? "rwm" : device.permissions());
    Expect("devices[" + place + "].permissions in " + allowed,
           allowed.find(rule) != std::string::npos, true);
  }
}

void FieldChecks::User(const RandomPod& random, const RunningPod& seen) {
  const auto expected = ExpectedIdentity(random.container);
  Expect("run_as_user", First(seen.process.Status("Uid")), expected.uid);
  Expect("run_as_group", First(seen.process.Status("Gid")), expected.gid);
  auto groups = Numbers(seen.process.Status("Groups"));
  groups.insert(expected.gid);
  Expect("supplemental_groups", groups, expected.groups);
}

void FieldChecks::Security(const RandomPod& random, const RunningPod& seen) {
  const auto& security = random.container.linux().security_context();
  const auto bits = ExpectedCapabilities(security, host_);
  const bool is_root = ExpectedIdentity(random.container).uid == 0;
  Expect("capabilities", fmt::format("{:x}", seen.process.Mask("CapBnd")),
         fmt::format("{:x}", bits));
  Expect("capabilities (effective)", fmt::format("{:x}", seen.process.Mask("CapEff")),
         fmt::format("{:x}", is_root ? bits : 0));
  Expect("no_new_privs", seen.process.Status("NoNewPrivs"),
         std::string(security.no_new_privs() ? "1" : "0"));
  Expect("seccomp", seen.process.Status("Seccomp"), ExpectedSeccomp(security));
  if (HasLocalProfile(security)) {
    const auto said = Inside(seen, {"mkdir", "/dev/shm/new"});
    Expect("seccomp (localhost): " + said, said.find("not permitted") != std::string::npos, true);
  }
  const auto& mounts = seen.process.Mounts();
  const auto is_read_only = [&](const std::string& path) {
    return mounts.contains(path) && mounts.at(path).options.contains("ro");
  };
  Expect("readonly_rootfs", is_read_only("/"), security.readonly_rootfs());
  const bool open = security.privileged();
  const auto lists = [](const auto& paths, const std::string& path) {
    return std::ranges::find(paths, path) != paths.end();
  };
  for (const std::string path : {"/proc/version", "/sys/firmware"}) {
    Expect("masked_paths[" + path + "]", mounts.contains(path),
           !open && lists(security.masked_paths(), path));
  }
  for (const std::string path : {"/proc/sys", "/tmp"}) {
    Expect("readonly_paths[" + path + "]", is_read_only(path),
           !open && lists(security.readonly_paths(), path));
  }
  if (host_.has_apparmor) {
    const bool unconfined =
        security.has_apparmor()
            ? security.apparmor().profile_type() == SecurityProfile::Unconfined
            : security.apparmor_profile() == "unconfined" || security.privileged();
    Expect("apparmor", Trimmed(seen.process.Text("attr/current")),
           std::string(unconfined ? "unconfined" : "docker-default (enforce)"));
  }
}

void FieldChecks::Resources(const cri_v1::LinuxContainerResources& asked, const RunningPod& seen) {
  const auto expect = [&](const std::string& field, const std::string& controller,
                          const std::string& v1, const std::string& v2, std::int64_t value) {
    if (value == 0 || (host_.is_cgroup_v2 && v2.empty())) return;
    const std::string root = "/sys/fs/cgroup" + (host_.is_cgroup_v2 ? "" : "/" + controller);
    const auto text =
        ReadText(root + seen.process.Cgroup(controller) + "/" + (host_.is_cgroup_v2 ? v2 : v1));
    Expect("linux.resources." + field, Trimmed(text), std::to_string(value));
  };
  expect("cpu_shares", "cpu", "cpu.shares", "", asked.cpu_shares());
  expect("cpu_period", "cpu", "cpu.cfs_period_us", "", asked.cpu_period());
  expect("cpu_quota", "cpu", "cpu.cfs_quota_us", "", asked.cpu_quota());
  expect("memory_limit_in_bytes", "memory", "memory.limit_in_bytes", "memory.max",
         asked.memory_limit_in_bytes());
  const auto swap = asked.memory_swap_limit_in_bytes() != 0 ? asked.memory_swap_limit_in_bytes()
                                                            : asked.memory_limit_in_bytes();
  expect("memory_swap_limit_in_bytes", "memory", "memory.memsw.limit_in_bytes", "", swap);
  const std::string cpuset = "/sys/fs/cgroup" + std::string(host_.is_cgroup_v2 ? "" : "/cpuset") +
                             seen.process.Cgroup("cpuset");
  if (!asked.cpuset_cpus().empty()) {
    Expect("linux.resources.cpuset_cpus", Trimmed(ReadText(cpuset + "/cpuset.cpus")),
           asked.cpuset_cpus());
  }
  if (!asked.cpuset_mems().empty()) {
    Expect("linux.resources.cpuset_mems", Trimmed(ReadText(cpuset + "/cpuset.mems")),
           asked.cpuset_mems());
  }
  if (host_.is_cgroup_v2) {
    if (asked.cpu_quota() != 0) {
      Expect("linux.resources.cpu_quota",
             Trimmed(ReadText("/sys/fs/cgroup" + seen.process.Cgroup("cpu") + "/cpu.max")),
             fmt::format("{} {}", asked.cpu_quota(), asked.cpu_period()));
    }
    for (const auto& [name, value] : asked.unified()) {
      Expect("linux.resources.unified[" + name + "]",
             Trimmed(ReadText("/sys/fs/cgroup" + seen.process.Cgroup("memory") + "/" + name)),
             value);
    }
  }
  for (const auto& limit : asked.hugepage_limits()) {
    const std::string file = "/sys/fs/cgroup/hugetlb" + seen.process.Cgroup("hugetlb") +
                             "/hugetlb." + limit.page_size() + ".limit_in_bytes";
    if (!std::filesystem::exists(file)) continue;  // This kernel does not count them.
    Expect("linux.resources.hugepage_limits", Trimmed(ReadText(file)),
           std::to_string(limit.limit()));
  }
}

}  // namespace dockershimd::tests
