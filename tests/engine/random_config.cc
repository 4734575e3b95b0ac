#include "random_config.h"

#include <linux/capability.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>

#include "pods.h"

namespace dockershimd::tests {
namespace {

namespace cri_v1 = runtime::v1;
using cri_v1::MountPropagation;
using cri_v1::NamespaceMode;
using cri_v1::SecurityProfile;

const std::string kStaging = "gcr.io/k8s-staging-cri-tools/";
const std::string kMountedImage = kStaging + "test-image-1:latest";
constexpr std::int64_t kMiB = 1 << 20;

/// Refuses mkdir and nothing else.
constexpr const char* kProfile =
    R"({"defaultAction": "SCMP_ACT_ALLOW",
        "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO"}]})";

/// Ends with 7 on its stop signal, and serves a port where it has one.
std::string Script(int signal, bool serves) {
  return "trap 'echo stopped; exit 7' " + std::to_string(signal) + "; echo started; " +
         (serves ? "httpd -p 8080 -h /etc; " : "") + "while :; do sleep 0.1; done";
}

}  // namespace

std::uint64_t CapabilityBit(std::string name) {
  std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::toupper(c); });
  if (!name.starts_with("CAP_")) name.insert(0, "CAP_");
  static const std::map<std::string, int> kNumbers = {
      {"CAP_CHOWN", CAP_CHOWN},           {"CAP_KILL", CAP_KILL},
      {"CAP_SETUID", CAP_SETUID},         {"CAP_NET_ADMIN", CAP_NET_ADMIN},
      {"CAP_SYS_PTRACE", CAP_SYS_PTRACE}, {"CAP_SYS_TIME", CAP_SYS_TIME},
      {"CAP_IPC_LOCK", CAP_IPC_LOCK}};
  return std::uint64_t{1} << kNumbers.at(name);
}

int SignalNumber(cri_v1::Signal signal) {
  switch (signal) {
    case cri_v1::SIGNAL_SIGHUP:
      return SIGHUP;
    case cri_v1::SIGNAL_SIGINT:
      return SIGINT;
    case cri_v1::SIGNAL_SIGUSR1:
      return SIGUSR1;
    case cri_v1::SIGNAL_SIGRTMINPLUS3:
      return 34 + 3;  // Docker counts from 34, as glibc does.
    case cri_v1::SIGNAL_SIGRTMAXMINUS1:
      return 64 - 1;
    default:
      return SIGTERM;
  }
}

RandomConfig::RandomConfig(const Host& host, unsigned seed) : host_(host), random_(seed) {
  const std::filesystem::path folder = host.folder;
  std::error_code ignored;
  std::filesystem::create_directories(folder / "folder/below");
  std::filesystem::create_directory_symlink("folder", folder / "link", ignored);
  std::ofstream(folder / "folder/file") << "content\n";
  std::ofstream(folder / "profile.json") << kProfile;
}

std::vector<std::string> RandomConfig::Images() {
  return {kBusybox, kStaging + "test-image-predefined-group:latest",
          kStaging + "test-image-user-username-group:latest", kMountedImage};
}

bool RandomConfig::Chance(int percent) { return Between(1, 100) <= percent; }

std::int64_t RandomConfig::Between(std::int64_t lowest, std::int64_t highest) {
  return std::uniform_int_distribution<std::int64_t>(lowest, highest)(random_);
}

template <class T>
T RandomConfig::Pick(const std::vector<T>& from) {
  return from[static_cast<std::size_t>(Between(0, static_cast<std::int64_t>(from.size()) - 1))];
}

std::vector<std::string> RandomConfig::Some(const std::vector<std::string>& from, int percent) {
  std::vector<std::string> some;
  std::ranges::copy_if(from, std::back_inserter(some),
                       [&](const auto&) { return Chance(percent); });
  return some;
}

RandomPod RandomConfig::Next() {
  ++number_;
  RandomPod random;
  random.pod = PodConfig("random-" + std::to_string(number_));
  FillPod(&random);
  FillNamespaces(&random);
  FillProcess(&random);
  FillMounts(&random.container);
  FillDevices(&random.container);
  FillResources(random.container.mutable_linux()->mutable_resources());
  FillSecurity(&random);
  FillResources(&random.changed);
  return random;
}

/// Also names that mean something to Docker, to other runtimes or to us.
void RandomConfig::FillNotes(google::protobuf::Map<std::string, std::string>* notes) {
  for (const auto& name :
       Some({"app", "app.kubernetes.io/name", "annotation.app", "io.kubernetes.docker.type",
             "io.kubernetes.container.logpath", "io.dockershimd.config", "maintainer"},
            40)) {
    (*notes)[name] = Pick<std::string>({"", "x", "a=b", "two\nlines", "\"quoted\" \\ Größe ☃"});
  }
}

void RandomConfig::FillNamespaces(RandomPod* random) {
  cri_v1::NamespaceOption options;
  options.set_network(Chance(20) ? NamespaceMode::NODE : NamespaceMode::POD);
  options.set_pid(Pick<NamespaceMode>({NamespaceMode::POD, NamespaceMode::CONTAINER,
                                       NamespaceMode::CONTAINER, NamespaceMode::NODE}));
  options.set_ipc(Chance(25) ? NamespaceMode::NODE : NamespaceMode::POD);
  auto& pod = *random->pod.mutable_linux()->mutable_security_context();
  *pod.mutable_namespace_options() = options;
  FillSysctls(&random->pod);
  if (options.network() == NamespaceMode::NODE) {
    random->pod.clear_port_mappings();
    random->pod.clear_hostname();
  }
  if (options.ipc() == NamespaceMode::POD && Chance(25)) options.set_ipc(NamespaceMode::CONTAINER);
  *random->container.mutable_linux()->mutable_security_context()->mutable_namespace_options() =
      options;
}

void RandomConfig::FillPod(RandomPod* random) {
  auto& pod = random->pod;
  pod.mutable_metadata()->set_attempt(static_cast<std::uint32_t>(Between(0, 3)));
  pod.set_hostname("host-" + std::to_string(Between(1, 1000)));
  FillNotes(pod.mutable_labels());
  FillNotes(pod.mutable_annotations());
  if (Chance(70)) {
    auto& dns = *pod.mutable_dns_config();
    for (const auto& server : Some({"192.0.2.1", "192.0.2.2", "2001:db8::1"}, 60)) {
      dns.add_servers(server);
    }
    for (const auto& search : Some({"a.example", "b.example"}, 60)) dns.add_searches(search);
    for (const auto& option : Some({"ndots:5", "timeout:1"}, 60)) dns.add_options(option);
  }
  if (Chance(50)) {
    auto& port = *pod.add_port_mappings();
    port.set_container_port(8080);
    port.set_host_port(20000 + number_);
    if (Chance(50)) port.set_host_ip(host_.node_address);
  }
  auto& config = *pod.mutable_linux();
  if (Chance(70)) config.set_cgroup_parent("/random/pod-" + std::to_string(number_));
  if (Chance(50)) config.mutable_overhead()->set_memory_limit_in_bytes(Between(1, 64) * kMiB);
  if (Chance(50)) FillResources(config.mutable_resources());
  FillPodSecurity(config.mutable_security_context());
  if (Chance(50)) random->runtime_handler = host_.runtime_handler;
}

void RandomConfig::FillPodSecurity(cri_v1::LinuxSandboxSecurityContext* security) {
  security->set_privileged(Chance(30));
  security->set_readonly_rootfs(Chance(50));
  if (Chance(50)) {
    security->mutable_run_as_user()->set_value(Between(0, 70000));
    if (Chance(50)) security->mutable_run_as_group()->set_value(Between(0, 70000));
  }
  for (auto groups = Between(0, 2); groups > 0; --groups) {
    security->add_supplemental_groups(Between(1, 70000));
  }
  if (Chance(30)) security->set_supplemental_groups_policy(cri_v1::Strict);
  FillProfiles(security);
}

void RandomConfig::FillSysctls(cri_v1::PodSandboxConfig* pod) {
  auto& config = *pod->mutable_linux();
  const auto& options = config.security_context().namespace_options();
  std::vector<std::string> possible;
  if (options.network() == NamespaceMode::POD) {
    possible = {"net.core.somaxconn", "net.ipv4.ip_unprivileged_port_start"};
  }
  if (options.ipc() == NamespaceMode::POD) possible.emplace_back("kernel.msgmax");
  for (const auto& name : Some(possible, 50)) {
    (*config.mutable_sysctls())[name] = std::to_string(Between(100, 8000));
  }
}

void RandomConfig::FillProcess(RandomPod* random) {
  auto& container = random->container;
  container.mutable_metadata()->set_name("main");
  container.mutable_metadata()->set_attempt(static_cast<std::uint32_t>(Between(0, 3)));
  container.mutable_image()->set_image(Pick<std::string>({Images()[0], Images()[1], Images()[2]}));
  if (Chance(30)) container.mutable_image()->set_user_specified_image("as.written/in:the-pod");
  container.set_stop_signal(Pick<cri_v1::Signal>(
      {cri_v1::SIGNAL_RUNTIME_DEFAULT, cri_v1::SIGNAL_SIGTERM, cri_v1::SIGNAL_SIGINT,
       cri_v1::SIGNAL_SIGUSR1, cri_v1::SIGNAL_SIGRTMINPLUS3, cri_v1::SIGNAL_SIGRTMAXMINUS1,
       cri_v1::SIGNAL_SIGHUP}));
  const auto script =
      Script(SignalNumber(container.stop_signal()), random->pod.port_mappings_size() > 0);
  for (const auto& word : {std::string("sh"), std::string("-c"), script}) {
    // The images have no entrypoint: both ways come to the same.
    Chance(50) && container.args_size() == 0 ? container.add_command(word)
                                             : container.add_args(word);
  }
  for (const auto& word : Some({"name", "two words", "$HOME", "-x", "Größe"}, 40)) {
    container.add_args(word);
  }
  container.set_working_dir(Pick<std::string>({"", "/etc", "/tmp", "/made/on/the/way"}));
  for (const auto& name : Some({"A", "PATH_2", "with.dot", "lower"}, 50)) {
    auto& variable = *container.add_envs();
    variable.set_key(name);
    variable.set_value(Pick<std::string>({"", "x", "a=b", "two\nlines", "\"quoted\" ☃ $A"}));
  }
  FillNotes(container.mutable_labels());
  FillNotes(container.mutable_annotations());
  container.set_log_path(Pick<std::string>({"main.log", "main/0.log"}));
  container.set_stdin(Chance(30));
  container.set_stdin_once(container.stdin() && Chance(50));
  container.set_tty(Chance(20));
}

void RandomConfig::FillMounts(cri_v1::ContainerConfig* container) {
  for (auto mounts = Between(0, 4); mounts > 0; --mounts) {
    auto& mount = *container->add_mounts();
    mount.set_container_path("/m/" + std::to_string(mounts));
    if (host_.has_image_mounts && Chance(25)) {
      mount.mutable_image()->set_image(kMountedImage);
      mount.set_readonly(true);
      mount.set_image_sub_path(Pick<std::string>({"", "etc"}));
      continue;
    }
    mount.set_host_path(
        host_.folder + "/" +
        Pick<std::string>({"folder", "folder/file", "link", "missing/" + std::to_string(number_)}));
    mount.set_readonly(Chance(50));
    mount.set_selinux_relabel(Chance(20));
    mount.set_propagation(Pick<MountPropagation>({MountPropagation::PROPAGATION_PRIVATE,
                                                  MountPropagation::PROPAGATION_HOST_TO_CONTAINER,
                                                  MountPropagation::PROPAGATION_BIDIRECTIONAL}));
    if (mount.readonly() && Chance(40)) {
      mount.set_propagation(MountPropagation::PROPAGATION_PRIVATE);
      mount.set_recursive_read_only(true);
    }
  }
}

void RandomConfig::FillDevices(cri_v1::ContainerConfig* container) {
  for (const auto& path : Some({"/dev/kmsg", "/dev/fuse"}, 30)) {
    if (!std::filesystem::exists(path)) continue;
    auto& device = *container->add_devices();
    device.set_host_path(path);
    if (Chance(50)) device.set_container_path("/dev/mine-" + path.substr(5));
    device.set_permissions(Pick<std::string>({"", "r", "rw", "rwm"}));
  }
  if (host_.has_cdi && Chance(40))
    container->add_cdi_devices()->set_name("tests.example/thing=one");
}

void RandomConfig::FillResources(cri_v1::LinuxContainerResources* resources) {
  if (Chance(60)) {
    resources->set_cpu_period(Between(10, 100) * 1000);
    resources->set_cpu_quota(Between(20, 200) * 1000);
  }
  if (Chance(60)) resources->set_cpu_shares(Between(2, 4096));
  if (Chance(60)) {
    resources->set_memory_limit_in_bytes(Between(32, 128) * kMiB);
    if (Chance(50)) {
      resources->set_memory_swap_limit_in_bytes(resources->memory_limit_in_bytes() +
                                                Between(0, 64) * kMiB);
    }
  }
  if (Chance(40)) resources->set_cpuset_cpus("0");
  if (Chance(40)) resources->set_cpuset_mems("0");
  if (Chance(60)) resources->set_oom_score_adj(Between(-1000, 1000));
  if (Chance(30)) {
    auto& limit = *resources->add_hugepage_limits();
    limit.set_page_size("2MB");
    limit.set_limit(static_cast<std::uint64_t>(Between(0, 4) * 2 * kMiB));
  }
  if (host_.is_cgroup_v2 && Chance(40)) (*resources->mutable_unified())["memory.oom.group"] = "1";
}

void RandomConfig::FillCapabilities(cri_v1::Capability* capabilities) {
  const std::vector<std::string> names = {"CHOWN",          "CAP_KILL",     "setuid",  "NET_ADMIN",
                                          "CAP_SYS_PTRACE", "cap_sys_time", "IPC_LOCK"};
  const auto fill = [&](auto* list) {
    for (const auto& name : Some(names, 30)) {
      if ((CapabilityBit(name) & host_.capabilities) != 0) list->Add(std::string(name));
    }
    if (Chance(20)) list->Add(Pick<std::string>({"ALL", "all"}));
  };
  fill(capabilities->mutable_add_capabilities());
  fill(capabilities->mutable_drop_capabilities());
}

void RandomConfig::FillUser(cri_v1::LinuxContainerSecurityContext* security) {
  if (Chance(40)) {
    security->mutable_run_as_user()->set_value(Pick<std::int64_t>({0, 7, 33, 1000, 54321}));
  } else if (Chance(40)) {
    security->set_run_as_username(Pick<std::string>({"www-data", "default-user", "nobody"}));
  }
  const bool has_user = security->has_run_as_user() || !security->run_as_username().empty();
  if (has_user && Chance(40)) security->mutable_run_as_group()->set_value(Between(0, 70000));
  for (auto groups = Between(0, 2); groups > 0; --groups) {
    security->add_supplemental_groups(Between(1, 70000));
  }
  if (Chance(40)) security->set_supplemental_groups_policy(cri_v1::Strict);
}

void RandomConfig::FillSecurity(RandomPod* random) {
  auto& security = *random->container.mutable_linux()->mutable_security_context();
  security.set_privileged(random->pod.linux().security_context().privileged() && Chance(60));
  security.set_readonly_rootfs(Chance(30));
  security.set_no_new_privs(Chance(40));
  for (const auto& path : Some({"/proc/version", "/sys/firmware"}, 40)) {
    security.add_masked_paths(path);
  }
  for (const auto& path : Some({"/proc/sys", "/tmp"}, 40)) security.add_readonly_paths(path);
  FillCapabilities(security.mutable_capabilities());
  FillUser(&security);
  FillProfiles(&security);
  if (Chance(20)) security.set_apparmor_profile("unconfined");
}

/// In both generations of fields.
template <class Security>
void RandomConfig::FillProfiles(Security* security) {
  const std::string file = host_.folder + "/profile.json";
  if (host_.has_seccomp && Chance(40)) {
    auto& profile = *security->mutable_seccomp();
    profile.set_profile_type(Pick<SecurityProfile::ProfileType>({SecurityProfile::RuntimeDefault,
                                                                 SecurityProfile::Unconfined,
                                                                 SecurityProfile::Localhost}));
    if (profile.profile_type() == SecurityProfile::Localhost) {
      profile.set_localhost_ref(Pick<std::string>({file, "localhost/" + file}));
    }
  } else if (host_.has_seccomp && Chance(50)) {
    security->set_seccomp_profile_path(Pick<std::string>(
        {"runtime/default", "docker/default", "unconfined", "localhost/" + file}));
  }
  if (Chance(30)) {
    security->mutable_apparmor()->set_profile_type(host_.has_apparmor && Chance(50)
                                                       ? SecurityProfile::RuntimeDefault
                                                       : SecurityProfile::Unconfined);
  }
  if (Chance(20)) security->mutable_selinux_options()->set_level("s0:c1,c2");
}

}  // namespace dockershimd::tests
