// Pods with something in every field at once: each field must show, or be refused by its name.
// DSD_TEST_SEED makes the pods of an earlier run again; DSD_TEST_CONFIG_ROUNDS says how many there
// are (25).
#include <gmock/gmock.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>

#include "cri_test.h"
#include "dockerapi/client.h"
#include "field_checks.h"
#include "random_config.h"

namespace dockershimd::tests {
namespace {

namespace cri_v1 = runtime::v1;
using base::CallContext;
using base::Code;
using std::chrono::seconds;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr int kGrace = 60;  // seconds until SIGKILL: longer than any handler takes

std::string Environment(const char* name, const std::string& otherwise = {}) {
  const char* value = std::getenv(name);
  return value == nullptr || *value == '\0' ? otherwise : value;
}

class RandomConfigTest : public CriTest {
 protected:
  RandomConfigTest() : docker_({.socket_path = Environment("DSD_TEST_DOCKER_SOCKET")}) {}

  void SetUp() override {
    NeedImages(cri_, RandomConfig::Images());
    std::filesystem::create_directories("/etc/cdi");
    std::ofstream("/etc/cdi/tests.json")
        << R"({"cdiVersion": "0.5.0", "kind": "tests.example/thing", "devices":
              [{"name": "one", "containerEdits": {"env": ["CDI_THING=one"]}}]})";
    const auto context = CallContext::WithTimeout(seconds(60));
    const auto api = docker_.Negotiate(context);
    const auto info = docker_.Info(context);
    ASSERT_TRUE(api && info);
    const auto features = dockerapi::FeaturesOf(*api, *info);
    host_.folder = Environment("DSD_TEST_STATE") + "/random";
    host_.runtime_handler = info->default_runtime;
    host_.node_address = Environment("DSD_TEST_NODE_ADDRESS");
    host_.capabilities = EnginesCapabilities();
    host_.has_image_mounts = features.image_mounts;
    host_.has_cdi = features.cdi;
    host_.has_seccomp = features.seccomp;
    host_.has_apparmor = features.apparmor;
    host_.is_cgroup_v2 = features.cgroup_v2;
    seed_ = static_cast<unsigned>(
        std::stoul(Environment("DSD_TEST_SEED", std::to_string(std::random_device()() >> 1))));
    std::cout << "DSD_TEST_SEED=" << seed_ << "\n";
    random_.emplace(host_, seed_);
    // For what "recursive" means.
    const std::string below = host_.folder + "/folder/below";
    ASSERT_EQ(::mount("tmpfs", below.c_str(), "tmpfs", 0, nullptr), 0) << strerror(errno);
  }

  void TearDown() override {
    CriTest::TearDown();
    ::umount2((host_.folder + "/folder/below").c_str(), MNT_DETACH);
  }

  /// What the engine gives a privileged container: old ones do not know the newest.
  std::uint64_t EnginesCapabilities() {
    const auto context = CallContext::WithTimeout(seconds(60));
    dockerapi::ContainerSpec spec;
    spec.image = kBusybox;
    spec.command = {"sleep", "600"};
    spec.host.privileged = true;
    spec.host.network_mode = "none";
    const auto id = docker_.CreateContainer(context, "", spec);
    if (!id) return 0;
    const auto started = docker_.StartContainer(context, *id);
    const auto mask = started ? ProcessView(PidOf(*id)).Mask("CapBnd") : 0;
    EXPECT_TRUE(docker_.RemoveContainer(context, *id, true));
    EXPECT_NE(mask, 0U);
    return mask;
  }

  int PidOf(const std::string& id) {
    const auto details = docker_.InspectContainer(CallContext::WithTimeout(seconds(60)), id);
    return details ? details->state.pid : -1;
  }

  static std::string TextOf(const RandomPod& random) {
    return "handler '" + random.runtime_handler + "'\n" + random.pod.DebugString() +
           random.container.DebugString();
  }

  void CheckOne(const RandomPod& random) {
    const auto pod_id = Run(random.pod, random.runtime_handler);
    ASSERT_TRUE(pod_id) << pod_id.error().message;
    const auto id = Start(*pod_id, random.pod, random.container);
    ASSERT_TRUE(id) << id.error().message;
    const RunningPod seen{*pod_id, *id, ProcessView(PidOf(*pod_id)), ProcessView(PidOf(*id))};
    FieldChecks checks(cri_, host_);
    EXPECT_THAT(checks.Running(random, seen), IsEmpty());

    cri_v1::UpdateContainerResourcesRequest update;
    update.set_container_id(*id);
    *update.mutable_linux() = random.changed;
    const auto updated = cri_.Call(&Runtime::UpdateContainerResources, update);
    EXPECT_TRUE(updated) << updated.error().message << "\n" << update.DebugString();
    EXPECT_THAT(checks.Updated(random, seen), IsEmpty()) << update.DebugString();

    const auto stopped = StopContainer(cri_, *id, kGrace);
    EXPECT_TRUE(stopped) << stopped.error().message;
    EXPECT_THAT(checks.Stopped(random, seen), IsEmpty());
    EXPECT_TRUE(RemovePod(cri_, pods_.back()));
    pods_.pop_back();
  }

  dockerapi::Client docker_;
  Host host_;
  unsigned seed_ = 0;
  std::optional<RandomConfig> random_;
};

TEST_F(RandomConfigTest, EveryFieldShows) {
  const int rounds = std::stoi(Environment("DSD_TEST_CONFIG_ROUNDS", "25"));
  for (int round = 1; round <= rounds && !HasFailure(); ++round) {
    const auto random = random_->Next();
    SCOPED_TRACE("round " + std::to_string(round) + ", " + TextOf(random));
    CheckOne(random);
  }
}

/// A field that is refused, wherever else the rest of the request may be.
struct Refusal {
  std::string field;  ///< as the message names it
  Code code;
  std::function<void(RandomPod*)> ask;
  bool is_pods = false;  ///< by RunPodSandbox already
};

std::vector<Refusal> Refusals(const Host& host) {
  const auto security = [](RandomPod* random) {
    return random->container.mutable_linux()->mutable_security_context();
  };
  const auto mount = [](RandomPod* random) {
    auto* added = random->container.add_mounts();
    added->set_container_path("/refused");
    added->set_host_path("/etc");
    return added;
  };
  std::vector<Refusal> refusals = {
      {"add_ambient_capabilities", Code::kUnimplemented,
       [=](RandomPod* random) {
         security(random)->set_privileged(false);
         security(random)->mutable_capabilities()->add_add_ambient_capabilities("CHOWN");
       }},
      {"userns_options", Code::kUnimplemented,
       [=](RandomPod* random) {
         security(random)->mutable_namespace_options()->mutable_userns_options()->set_mode(
             cri_v1::POD);
       }},
      {"userns_options", Code::kUnimplemented,
       [](RandomPod* random) {
         random->pod.mutable_linux()
             ->mutable_security_context()
             ->mutable_namespace_options()
             ->mutable_userns_options()
             ->set_mode(cri_v1::POD);
       },
       true},
      {"namespace_options.ipc", Code::kInvalidArgument,
       [=](RandomPod* random) {
         security(random)->mutable_namespace_options()->set_ipc(cri_v1::TARGET);
       }},
      {"namespace_options.target_id", Code::kInvalidArgument,
       [=](RandomPod* random) {
         security(random)->mutable_namespace_options()->set_pid(cri_v1::TARGET);
       }},
      {"security_context.privileged", Code::kInvalidArgument,
       [=](RandomPod* random) {
         random->pod.mutable_linux()->mutable_security_context()->set_privileged(false);
         security(random)->set_privileged(true);
       }},
      {"security_context.run_as_group", Code::kInvalidArgument,
       [=](RandomPod* random) {
         security(random)->clear_run_as_user();
         security(random)->clear_run_as_username();
         security(random)->mutable_run_as_group()->set_value(5);
       }},
      {"security_context.run_as_user", Code::kInvalidArgument,
       [=](RandomPod* random) { security(random)->mutable_run_as_user()->set_value(-1); }},
      {"security_context.run_as_username", Code::kInvalidArgument,
       [=](RandomPod* random) {
         security(random)->clear_run_as_user();
         security(random)->set_run_as_username("nobody-of-that-name");
         security(random)->set_supplemental_groups_policy(cri_v1::Strict);
       }},
      {"security_context.seccomp", Code::kNotFound,
       [=](RandomPod* random) {
         security(random)->set_privileged(false);
         security(random)->mutable_seccomp()->set_profile_type(cri_v1::SecurityProfile::Localhost);
         security(random)->mutable_seccomp()->set_localhost_ref("/no/such/profile.json");
       }},
      {"mounts[/refused].mount_options", Code::kUnimplemented,
       [=](RandomPod* random) { mount(random)->add_mount_options("noexec"); }},
      {"mounts[/refused].uidMappings", Code::kUnimplemented,
       [=](RandomPod* random) { mount(random)->add_uidmappings()->set_length(1); }},
      {"mounts[/refused].recursive_read_only", Code::kInvalidArgument,
       [=](RandomPod* random) { mount(random)->set_recursive_read_only(true); }},
      {"mounts[/refused].host_path", Code::kInvalidArgument,
       [=](RandomPod* random) { mount(random)->set_host_path("not/absolute"); }},
      {"resources.memory_swap_limit_in_bytes", Code::kInvalidArgument,
       [](RandomPod* random) {
         auto* resources = random->container.mutable_linux()->mutable_resources();
         resources->set_memory_limit_in_bytes(64 << 20);
         resources->set_memory_swap_limit_in_bytes(32 << 20);
       }},
      {"devices[/dev/null].permissions", Code::kInvalidArgument,
       [](RandomPod* random) {
         auto* device = random->container.add_devices();
         device->set_host_path("/dev/null");
         device->set_permissions("rwx");
       }},
      {"config.windows", Code::kInvalidArgument,
       [](RandomPod* random) { random->container.mutable_windows(); }},
      {"config.windows", Code::kInvalidArgument,
       [](RandomPod* random) { random->pod.mutable_windows(); }, true},
      {"stop_signal", Code::kInvalidArgument,
       [](RandomPod* random) {
         random->container.set_stop_signal(static_cast<cri_v1::Signal>(1000));
       }},
      {"kernel.nonesuch", Code::kInternal,
       [](RandomPod* random) {
         (*random->pod.mutable_linux()->mutable_sysctls())["kernel.nonesuch"] = "1";
       },
       true},
      {"runtime_handler", Code::kFailedPrecondition,
       [](RandomPod* random) { random->runtime_handler = "no-such-runtime"; }, true},
  };
  if (!host.is_cgroup_v2) {
    refusals.push_back(
        {"resources.unified[memory.high]", Code::kFailedPrecondition, [](RandomPod* random) {
           auto* resources = random->container.mutable_linux()->mutable_resources();
           (*resources->mutable_unified())["memory.high"] = "1000000";
         }});
  }
  if (!host.has_apparmor) {
    refusals.push_back(
        {"security_context.apparmor", Code::kFailedPrecondition, [=](RandomPod* random) {
           security(random)->clear_apparmor();
           security(random)->set_apparmor_profile("runtime/default");
         }});
  }
  if (!host.has_image_mounts) {
    refusals.push_back({"mounts[/refused].image", Code::kUnimplemented, [=](RandomPod* random) {
                          auto* added = mount(random);
                          added->clear_host_path();
                          added->mutable_image()->set_image(kBusybox);
                        }});
  }
  if (!host.has_cdi) {
    refusals.push_back({"CDI_devices", Code::kUnimplemented, [](RandomPod* random) {
                          random->container.add_cdi_devices()->set_name("a.example/b=c");
                        }});
  }
  return refusals;
}

TEST_F(RandomConfigTest, WhatIsRefusedIsNamed) {
  const auto expect = [](const Refusal& refusal, const base::Result<std::string>& result,
                         const RandomPod& random) {
    ASSERT_FALSE(result) << refusal.field << " was accepted\n" << TextOf(random);
    EXPECT_EQ(result.error().code, refusal.code) << result.error().message << TextOf(random);
    EXPECT_THAT(result.error().message, HasSubstr(refusal.field)) << TextOf(random);
  };
  for (const auto& refusal : Refusals(host_)) {
    auto random = random_->Next();
    refusal.ask(&random);
    const auto pod_id = Run(random.pod, random.runtime_handler);
    if (refusal.is_pods) {
      expect(refusal, pod_id, random);
      continue;
    }
    ASSERT_TRUE(pod_id) << pod_id.error().message << TextOf(random);
    expect(refusal, CreateContainer(cri_, *pod_id, random.pod, random.container), random);
  }
  // Nothing was made on the way to a refusal.
  const auto containers = cri_.Call(&Runtime::ListContainers, cri_v1::ListContainersRequest());
  ASSERT_TRUE(containers);
  EXPECT_EQ(containers->containers_size(), 0);
  const auto pods = cri_.Call(&Runtime::ListPodSandbox, cri_v1::ListPodSandboxRequest());
  ASSERT_TRUE(pods);
  EXPECT_EQ(static_cast<std::size_t>(pods->items_size()), pods_.size());
}

}  // namespace
}  // namespace dockershimd::tests
