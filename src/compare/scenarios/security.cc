// Security contexts, as the kernel shows them in the container.
#include "compare/scenario.h"

namespace dockershimd::compare {
namespace {

/// What the kernel says of the first process.
constexpr const char* kIdentity =
    "echo $(id -u) $(id -g) $(id -G); grep -E '^(CapEff|CapBnd|NoNewPrivs|Seccomp):' "
    "/proc/1/status "
    "| tr -s '\\t ' ' '";

cri::LinuxContainerSecurityContext& Context(cri::ContainerConfig* config) {
  return *config->mutable_linux()->mutable_security_context();
}

/// Runs the container and notes its status and what it is.
std::string RunAndObserve(Session& s, const Pod& pod, const cri::ContainerConfig& config) {
  const auto& name = config.metadata().name();
  const auto id = s.Run(pod, config);
  s.Observe("process of " + name, s.Output(id, kIdentity));
  s.Record("status of " + name, s.Status(id));
  return id;
}

void Users(Session& s) {
  const auto pod = s.RunPod(s.PodConfig("users"));
  auto user = s.Sleeper("user");
  Context(&user).mutable_run_as_user()->set_value(1000);
  (void)RunAndObserve(s, pod, user);
  auto group = s.Sleeper("group");
  Context(&group).mutable_run_as_user()->set_value(1234);
  Context(&group).mutable_run_as_group()->set_value(4321);
  Context(&group).add_supplemental_groups(5000);
  Context(&group).add_supplemental_groups(5001);
  (void)RunAndObserve(s, pod, group);
  auto strict = s.Sleeper("strict");
  Context(&strict).mutable_run_as_user()->set_value(1000);
  Context(&strict).add_supplemental_groups(5000);
  Context(&strict).set_supplemental_groups_policy(cri::Strict);
  (void)RunAndObserve(s, pod, strict);
  auto username = s.Sleeper("username");
  Context(&username).set_run_as_username("nobody");
  (void)RunAndObserve(s, pod, username);
  auto unknown = s.Sleeper("unknown");
  Context(&unknown).set_run_as_username("no-such-user");
  const auto created = s.TryCreate(pod, unknown);
  s.Verify("an unknown user name is refused",
           !created.has_value() || !s.TryStart(*created).has_value());
  auto only_group = s.Sleeper("only-group");
  Context(&only_group).mutable_run_as_group()->set_value(4321);
  s.ObserveCode("a group without a user", s.TryCreate(pod, only_group));
}

void Capabilities(Session& s) {
  const auto pod = s.RunPod(s.PodConfig("capabilities"));
  auto add = s.Sleeper("add");
  Context(&add).mutable_capabilities()->add_add_capabilities("NET_ADMIN");
  Context(&add).mutable_capabilities()->add_drop_capabilities("CHOWN");
  (void)RunAndObserve(s, pod, add);
  auto none = s.Sleeper("none");
  Context(&none).mutable_capabilities()->add_drop_capabilities("ALL");
  (void)RunAndObserve(s, pod, none);
  auto one = s.Sleeper("one");
  Context(&one).mutable_capabilities()->add_drop_capabilities("ALL");
  Context(&one).mutable_capabilities()->add_add_capabilities("NET_BIND_SERVICE");
  (void)RunAndObserve(s, pod, one);
  auto unknown = s.Sleeper("unknown");
  Context(&unknown).mutable_capabilities()->add_add_capabilities("NO_SUCH_CAPABILITY");
  const auto created = s.TryCreate(pod, unknown);
  s.Observe("an unknown capability is", !created || !s.TryStart(*created) ? "refused" : "ignored");
}

void Privileges(Session& s) {
  auto config = s.PodConfig("privileged");
  config.mutable_linux()->mutable_security_context()->set_privileged(true);
  const auto pod = s.RunPod(config);
  auto privileged = s.Sleeper("privileged");
  Context(&privileged).set_privileged(true);
  const auto id = RunAndObserve(s, pod, privileged);
  s.Observe("devices of the node", s.Output(id, "test -e /dev/kmsg && echo yes || echo no"));
  s.Observe("/sys is", s.Output(id,
                                "grep -q '^sysfs /sys sysfs rw' /proc/mounts && "
                                "echo writable || echo read-only"));
  auto bound = s.Sleeper("no-new-privs");
  Context(&bound).set_no_new_privs(true);
  (void)RunAndObserve(s, pod, bound);
  const auto plain = s.RunPod(s.PodConfig("plain"));
  const auto refused = s.TryCreate(plain, privileged);
  s.ObserveCode("a privileged container in a plain pod", refused);
}

void Seccomp(Session& s) {
  const auto pod = s.RunPod(s.PodConfig("seccomp"));
  auto standard = s.Sleeper("default");
  Context(&standard).mutable_seccomp()->set_profile_type(cri::SecurityProfile::RuntimeDefault);
  (void)RunAndObserve(s, pod, standard);
  auto unconfined = s.Sleeper("unconfined");
  Context(&unconfined).mutable_seccomp()->set_profile_type(cri::SecurityProfile::Unconfined);
  (void)RunAndObserve(s, pod, unconfined);
  (void)RunAndObserve(s, pod, s.Sleeper("unsaid"));
  auto missing = s.Sleeper("missing");
  Context(&missing).mutable_seccomp()->set_profile_type(cri::SecurityProfile::Localhost);
  Context(&missing).mutable_seccomp()->set_localhost_ref("/no/such/profile.json");
  const auto created = s.TryCreate(pod, missing);
  s.Verify("a profile that is not there is refused",
           !created.has_value() || !s.TryStart(*created).has_value());
}

void FileSystem(Session& s) {
  const auto pod = s.RunPod(s.PodConfig("filesystem"));
  auto readonly = s.Sleeper("readonly");
  Context(&readonly).set_readonly_rootfs(true);
  const auto id = RunAndObserve(s, pod, readonly);
  s.Observe("root is", s.Output(id, "touch /x 2>/dev/null && echo writable || echo read-only"));
  s.Observe("/dev/shm is",
            s.Output(id, "touch /dev/shm/x 2>/dev/null && echo writable || echo read-only"));
  auto masked = s.Sleeper("masked");
  Context(&masked).add_masked_paths("/etc/group");
  Context(&masked).add_readonly_paths("/tmp");
  const auto other = RunAndObserve(s, pod, masked);
  s.Observe("a masked file has", s.Output(other, "wc -c </etc/group"));
  s.Observe("a read-only path is",
            s.Output(other, "touch /tmp/x 2>/dev/null && echo writable || echo read-only"));
}

cri::NamespaceOption& Namespaces(cri::ContainerConfig* config) {
  return *Context(config).mutable_namespace_options();
}

void Namespaces(Session& s) {
  auto shared = s.PodConfig("shared");
  shared.mutable_linux()->mutable_security_context()->mutable_namespace_options()->set_pid(
      cri::POD);
  const auto pod = s.RunPod(shared);
  auto first = s.Sleeper("first");
  Namespaces(&first).set_pid(cri::POD);
  const auto id = s.Run(pod, first);
  s.Verify("a shared process namespace begins with the pod",
           s.Output(id, "grep -c '^Name:.*sh' /proc/1/status; true") == "0",
           s.Output(id, "head -1 /proc/1/status"));
  s.Record("status of the pod", s.PodStatus(pod));
  auto own = s.PodConfig("own");
  own.mutable_linux()->mutable_security_context()->mutable_namespace_options()->set_pid(
      cri::CONTAINER);
  const auto plain = s.RunPod(own);
  auto target = s.Sleeper("target");
  Namespaces(&target).set_pid(cri::CONTAINER);
  const auto target_id = s.Run(plain, target);
  s.Verify("a process namespace of its own begins with the container",
           s.Output(target_id, "grep -c '^Name:.*sh' /proc/1/status; true") == "1");
  auto debugger = s.Sleeper("debugger");
  Namespaces(&debugger).set_pid(cri::TARGET);
  Namespaces(&debugger).set_target_id(target_id);
  const auto debugger_id = s.Run(plain, debugger);
  s.Verify("a debugger joins its target's processes",
           s.Output(debugger_id, "readlink /proc/self/ns/pid") ==
               s.Output(target_id, "readlink /proc/self/ns/pid"));
  auto host = s.Sleeper("host");
  Namespaces(&host).set_pid(cri::NODE);
  Namespaces(&host).set_ipc(cri::NODE);
  s.ObserveCode("the node's processes in a pod of its own", s.TryCreate(plain, host));
}

void UserNamespace(Session& s) {
  auto config = s.PodConfig("userns");
  auto& options = *config.mutable_linux()
                       ->mutable_security_context()
                       ->mutable_namespace_options()
                       ->mutable_userns_options();
  options.set_mode(cri::POD);
  auto& ids = *options.add_uids();
  ids.set_host_id(1 << 20);
  ids.set_length(1 << 16);
  *options.add_gids() = ids;
  const auto pod = s.TryRunPod(config, s.Config().runtime_handler);
  s.ObserveCode("a pod with users of its own", pod);
}

constexpr Scenario kScenarios[] = {
    {"security/users", "user, group, supplemental groups", Users},
    {"security/capabilities", "capabilities added and dropped", Capabilities},
    {"security/privileges", "privileged containers, no new privileges", Privileges},
    {"security/seccomp", "seccomp profiles", Seccomp},
    {"security/file-system", "read-only root, masked and read-only paths", FileSystem},
    {"security/namespaces", "shared and joined process namespaces", Namespaces},
    {"security/user-namespace", "a user namespace for the pod", UserNamespace},
};

}  // namespace

std::span<const Scenario> SecurityScenarios() { return kScenarios; }

}  // namespace dockershimd::compare
