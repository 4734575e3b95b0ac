// What the model holds of each container, in bytes of memory.
#include <gtest/gtest.h>
#include <malloc.h>

#include <iostream>

#include "base/encoding.h"
#include "shim/node/pods.h"
#include "shim/translate/container.h"
#include "shim/translate/labels.h"
#include "shim/translate/sandbox.h"

namespace dockershimd::shim::node {
namespace {

using runtime::v1::ContainerConfig;
using runtime::v1::PodSandboxConfig;

constexpr int kPods = 2500;  ///< of one container each
constexpr std::size_t kLimit = 4 * 1024;

/// As a kubelet asks for a pod of a deployment.
PodSandboxConfig PodConfig(int number) {
  PodSandboxConfig pod;
  auto& metadata = *pod.mutable_metadata();
  metadata.set_name(fmt::format("frontend-5d4f8c7b9-{:05}", number));
  metadata.set_namespace_("production");
  metadata.set_uid(base::RandomHex(18));
  pod.set_hostname(metadata.name());
  pod.set_log_directory("/var/log/pods/production_" + metadata.name() + "_" + metadata.uid());
  pod.mutable_dns_config()->add_servers("10.96.0.10");
  for (const char* search : {"production.svc.cluster.local", "svc.cluster.local"}) {
    pod.mutable_dns_config()->add_searches(search);
  }
  auto& labels = *pod.mutable_labels();
  labels["app"] = "frontend";
  labels["pod-template-hash"] = "5d4f8c7b9";
  labels["io.kubernetes.pod.name"] = metadata.name();
  labels["io.kubernetes.pod.namespace"] = metadata.namespace_();
  labels["io.kubernetes.pod.uid"] = metadata.uid();
  (*pod.mutable_annotations())["kubernetes.io/config.seen"] = "2024-05-06T07:08:09.101112131Z";
  (*pod.mutable_annotations())["kubernetes.io/config.source"] = "api";
  pod.mutable_linux()->set_cgroup_parent("/kubepods/burstable/pod" + metadata.uid());
  return pod;
}

ContainerConfig ConfigIn(const PodSandboxConfig& pod) {
  ContainerConfig container;
  container.mutable_metadata()->set_name("frontend");
  container.mutable_image()->set_image("sha256:" + base::RandomHex(32));
  container.mutable_image()->set_user_specified_image("registry.example.com/shop/frontend:v1.2.3");
  for (const char* word : {"/bin/frontend", "--listen=:8080", "--database=db.production:5432"}) {
    container.add_command(word);
  }
  for (int i = 0; i < 20; ++i) {
    auto& variable = *container.add_envs();
    variable.set_key(fmt::format("SERVICE_{}_PORT_8080_TCP", i));
    variable.set_value("tcp://10.96.12.34:8080");
  }
  for (const char* path : {"/etc/hosts", "/dev/termination-log", "/etc/config",
                           "/var/run/secrets/kubernetes.io/serviceaccount"}) {
    auto& mount = *container.add_mounts();
    mount.set_container_path(path);
    mount.set_host_path("/var/lib/kubelet/pods/" + pod.metadata().uid() + "/volumes" + path);
  }
  auto& labels = *container.mutable_labels();
  labels["io.kubernetes.container.name"] = "frontend";
  for (const char* name : {"name", "namespace", "uid"}) {
    const std::string key = std::string("io.kubernetes.pod.") + name;
    labels[key] = pod.labels().at(key);
  }
  for (const char* name :
       {"hash", "restartCount", "terminationMessagePath", "terminationMessagePolicy", "ports"}) {
    (*container.mutable_annotations())[std::string("io.kubernetes.container.") + name] =
        "[{\"name\":\"http\",\"containerPort\":8080}]";
  }
  container.set_log_path("frontend/0.log");
  container.mutable_linux()->mutable_resources()->set_cpu_shares(102);
  container.mutable_linux()->mutable_resources()->set_memory_limit_in_bytes(256 << 20);
  container.mutable_linux()->mutable_security_context()->mutable_run_as_user()->set_value(1000);
  return container;
}

/// As Docker shows what was made from `spec`.
dockerapi::ContainerDetails Inspected(const dockerapi::ContainerSpec& spec, std::string id) {
  dockerapi::ContainerDetails details;
  details.id = std::move(id);
  details.name = "/k8s_frontend_frontend-5d4f8c7b9-00000_production_" + base::RandomHex(18) + "_0";
  details.created_at = 1;
  details.image_id = "sha256:" + base::RandomHex(32);
  details.state.status = "running";
  details.state.running = true;
  details.state.pid = 4711;
  const std::string folder = "/var/lib/docker/containers/" + details.id;
  details.resolv_conf_path = folder + "/resolv.conf";
  details.log_path = folder + "/" + details.id + "-json.log";
  details.storage_driver = "overlay2";
  for (const char* name : {"LowerDir", "MergedDir", "UpperDir", "WorkDir"}) {
    details.graph_driver_data[name] = "/var/lib/docker/overlay2/" + base::RandomHex(32) + "/diff";
  }
  details.spec = spec;
  details.spec.labels["org.opencontainers.image.source"] = "https://example.com/shop/frontend";
  return details;
}

const translate::EngineView& Engine() {
  static const translate::EngineView view = [] {
    translate::EngineView engine;
    engine.log_max_size = "10m";
    engine.log_max_files = "5";
    return engine;
  }();
  return view;
}

const auto kNoProfiles = [](const std::string& path) -> base::Result<std::string> {
  return base::Fail(base::Code::kNotFound, "{}", path);
};

void PutPod(Pods& pods, int number) {
  const auto pod = PodConfig(number);
  const std::string id = base::RandomHex(32);
  const auto sandbox_spec = translate::SandboxSpec(pod, "", "pause:1", translate::NetworkMode::kCni,
                                                   Engine(), kNoProfiles);
  auto sandbox =
      std::get<translate::SandboxRecord>(translate::RecordOf(Inspected(sandbox_spec.value(), id)));
  translate::SetNetwork({true, {"10.244.1.2"}}, &sandbox);
  (void)pods.Put(std::make_shared<const translate::SandboxRecord>(std::move(sandbox)), 1);
  const auto config = ConfigIn(pod);
  const auto spec = translate::ContainerSpecOf({.asked = config,
                                                .config = config,
                                                .sandbox_config = pod,
                                                .sandbox_id = id,
                                                .runtime_handler = "",
                                                .sub_mounts = {},
                                                .accounts = nullptr},
                                               Engine(), kNoProfiles);
  auto record = translate::RecordOf(Inspected(spec.value(), base::RandomHex(32)));
  (void)pods.Put(std::make_shared<const translate::ContainerRecord>(
                     std::get<translate::ContainerRecord>(std::move(record))),
                 1);
}

TEST(ModelMemory, LittleOfEachContainer) {
  Pods pods;
  // What is made once.
  PutPod(pods, 0);
  const auto before = ::mallinfo2().uordblks;
  for (int number = 1; number <= kPods; ++number) PutPod(pods, number);
  const auto after = ::mallinfo2().uordblks;
  if (after <= before) GTEST_SKIP() << "the sanitizer's allocator does not count";
  const auto each = (after - before) / (2 * kPods);
  std::cout << each << " bytes of each container or sandbox\n";
  EXPECT_LE(each, kLimit);
}

}  // namespace
}  // namespace dockershimd::shim::node
