#include "workload.h"

#include <fstream>

#include "pods.h"

namespace dockershimd::bench {
namespace {

namespace cri = runtime::v1;
namespace fs = std::filesystem;

void AddIdentity(const std::string& name, google::protobuf::Map<std::string, std::string>& labels) {
  labels["io.kubernetes.pod.name"] = name;
  labels["io.kubernetes.pod.namespace"] = "bench";
  labels["io.kubernetes.pod.uid"] = "uid-of-" + name;
}

void SetSandbox(const fs::path& state, Pod& pod) {
  auto& sandbox = pod.sandbox;
  sandbox.mutable_metadata()->set_name(pod.name);
  sandbox.mutable_metadata()->set_namespace_("bench");
  sandbox.mutable_metadata()->set_uid("uid-of-" + pod.name);
  sandbox.set_hostname(pod.name);
  sandbox.set_log_directory(state / "pod-logs" / pod.name);
  sandbox.mutable_dns_config()->add_servers("10.96.0.10");
  for (const char* domain : {"bench.svc.cluster.local", "svc.cluster.local", "cluster.local"}) {
    sandbox.mutable_dns_config()->add_searches(domain);
  }
  sandbox.mutable_dns_config()->add_options("ndots:5");
  AddIdentity(pod.name, *sandbox.mutable_labels());
  (*sandbox.mutable_labels())["app"] = "bench";
  (*sandbox.mutable_labels())["pod-template-hash"] = "5d9c7b8f64";
  (*sandbox.mutable_annotations())["kubernetes.io/config.seen"] = "2026-01-01T00:00:00.000000000Z";
  (*sandbox.mutable_annotations())["kubernetes.io/config.source"] = "api";
  sandbox.mutable_linux()->set_cgroup_parent("/" + CgroupOf(pod));
  auto& security = *sandbox.mutable_linux()->mutable_security_context();
  security.mutable_namespace_options()->set_pid(cri::NamespaceMode::CONTAINER);
  security.mutable_seccomp()->set_profile_type(cri::SecurityProfile::RuntimeDefault);
}

void AddMount(cri::ContainerConfig& container, const fs::path& on_host, const char* inside,
              bool read_only) {
  auto& mount = *container.add_mounts();
  mount.set_host_path(on_host);
  mount.set_container_path(inside);
  mount.set_readonly(read_only);
}

void SetContainer(const fs::path& files, Pod& pod) {
  auto& container = pod.container;
  container.mutable_metadata()->set_name("main");
  container.mutable_image()->set_image(kImage);
  for (const char* word : {"sh", "-c", "trap 'exit 0' TERM; sleep 1000000 & wait"}) {
    container.add_command(word);
  }
  container.set_log_path("main/0.log");
  for (int service = 0; service < 12; ++service) {
    auto& variable = *container.add_envs();
    variable.set_key("SERVICE_" + std::to_string(service) + "_PORT");
    variable.set_value("tcp://10.96.0.10:" + std::to_string(8000 + service));
  }
  AddMount(container, files / "etc-hosts", "/etc/hosts", false);
  AddMount(container, files / "termination-log", "/dev/termination-log", false);
  AddMount(container, files / "serviceaccount", "/var/run/secrets/kubernetes.io/serviceaccount",
           true);
  AddIdentity(pod.name, *container.mutable_labels());
  (*container.mutable_labels())["io.kubernetes.container.name"] = "main";
  auto& annotations = *container.mutable_annotations();
  annotations["io.kubernetes.container.hash"] = "3c4b1a2d";
  annotations["io.kubernetes.container.restartCount"] = "0";
  annotations["io.kubernetes.container.terminationMessagePath"] = "/dev/termination-log";
  annotations["io.kubernetes.container.terminationMessagePolicy"] = "File";
  annotations["io.kubernetes.pod.terminationGracePeriod"] = "30";
  auto& resources = *container.mutable_linux()->mutable_resources();
  resources.set_cpu_shares(102);
  resources.set_memory_limit_in_bytes(128 << 20);
  resources.set_oom_score_adj(1000);
  container.mutable_linux()->mutable_security_context()->mutable_seccomp()->set_profile_type(
      cri::SecurityProfile::RuntimeDefault);
}

}  // namespace

std::string CgroupOf(const Pod& pod) { return "kubepods/burstable/poduid-of-" + pod.name; }

Pod MakePod(const fs::path& state, const std::string& name) {
  Pod pod;
  pod.name = name;
  const auto files = state / "pods" / name;
  fs::create_directories(files / "serviceaccount");
  fs::create_directories(state / "pod-logs" / name / "main");
  for (const char* file : {"etc-hosts", "termination-log"}) std::ofstream(files / file) << "\n";
  SetSandbox(state, pod);
  SetContainer(files, pod);
  return pod;
}

base::Result<RunningPod> Start(criclient::Client& client, Pod pod) {
  auto sandbox_id = tests::RunPod(client, pod.sandbox);
  if (!sandbox_id) return base::Fail(sandbox_id.error());
  auto id = tests::CreateContainer(client, *sandbox_id, pod.sandbox, pod.container);
  if (!id) return base::Fail(id.error());
  if (auto started = tests::StartContainer(client, *id); !started) {
    return base::Fail(started.error());
  }
  return RunningPod{std::move(pod), std::move(*sandbox_id), std::move(*id)};
}

base::Status StopAndRemove(criclient::Client& client, const RunningPod& running) {
  if (auto done = tests::StopContainer(client, running.container_id, 30); !done) return done;
  if (auto done = tests::StopPod(client, running.sandbox_id); !done) return done;
  if (auto done = tests::RemoveContainer(client, running.container_id); !done) return done;
  return tests::RemovePod(client, running.sandbox_id);
}

}  // namespace dockershimd::bench
