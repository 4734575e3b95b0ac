// What the kernel shows of CRI's fields: looks inside of real containers.
#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "cri_test.h"

namespace dockershimd::tests {
namespace {

namespace cri_v1 = runtime::v1;
using testing::ContainsRegex;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

const std::string kPredefinedGroup = "gcr.io/k8s-staging-cri-tools/test-image-predefined-group";

/// A container made with `container` (protobuf's text form, added to a sleeper's) in a pod made
/// with `pod` shows `expected` (a regular expression) when `command` runs in it.
struct Field {
  std::string name;
  std::string container;
  std::string command = {};
  std::string expected = {};
  std::string pod = {};
};

std::string Security(const std::string& text) {
  // With a PID namespace of its own, process 1 is the container's first.
  return "linux { security_context { namespace_options { pid: CONTAINER } " + text + " } }";
}

std::string Resources(const std::string& text) { return "linux { resources { " + text + " } }"; }

/// The container's own view of a cgroup file: its name on v1 with the controller, on v2 without.
std::string CgroupFile(const std::string& v1, const std::string& v2) {
  return "cat /sys/fs/cgroup/" + v1 + " 2>/dev/null || cat /sys/fs/cgroup/" + v2;
}

class FieldsTest : public CriTest {
 protected:
  void SetUp() override { NeedImages(cri_, {kBusybox, kPredefinedGroup}); }

  template <class Message>
  static void Merge(const std::string& text, Message* message) {
    EXPECT_TRUE(google::protobuf::TextFormat::MergeFromString(text, message)) << text;
  }

  /// A running container; empty after a failure that the test has noted.
  std::string Start(const Field& field) {
    auto pod = PodConfig("field-" + std::to_string(pods_.size()));
    Merge(field.pod, &pod);
    auto container = SleeperConfig("app");
    Merge(field.container, &container);
    const auto pod_id = Run(pod);
    const auto id = pod_id ? CriTest::Start(*pod_id, pod, container) : pod_id;
    if (!id) ADD_FAILURE() << field.name << ": " << id.error().message;
    return id.value_or("");
  }

  void ExpectInside(const Field& field) {
    const auto id = Start(field);
    if (id.empty()) return;
    const auto result = Exec(cri_, id, {"sh", "-c", field.command + " 2>&1"});
    ASSERT_TRUE(result) << field.name << ": " << result.error().message;
    EXPECT_THAT(result->stdout(), ContainsRegex(field.expected)) << field.name;
  }
};

TEST_F(FieldsTest, Process) {
  for (const auto& field : std::vector<Field>{
           {"envs", "envs { key: 'A' value: 'x=y' }", "echo A=$A", "A=x=y"},
           {"working_dir", "working_dir: '/etc'", "pwd", "^/etc"},
           {"hostname", "", "hostname", "^other\n", "hostname: 'other'"},
           {"dns_config", "", "cat /etc/resolv.conf",
            "^search a.b c\nnameserver 192.0.2.1\noptions ndots:3\n",
            "dns_config { servers: '192.0.2.1' searches: 'a.b' searches: 'c' options: 'ndots:3' }"},
           {"sysctls", "", "cat /proc/sys/net/core/somaxconn", "^77\n",
            "linux { sysctls { key: 'net.core.somaxconn' value: '77' } }"},
       }) {
    ExpectInside(field);
  }
}

TEST_F(FieldsTest, Security) {
  const std::string caps = "grep CapEff /proc/1/status";
  for (const auto& field : std::vector<Field>{
           {"no capabilities asked", Security(""), caps, "00000000a80425fb"},
           {"all dropped, one added",
            Security("capabilities { add_capabilities: 'CHOWN' drop_capabilities: 'ALL' }"), caps,
            "0000000000000001"},
           {"added and dropped",
            Security("capabilities { add_capabilities: 'NET_ADMIN' drop_capabilities: "
                     "'CAP_NET_ADMIN' }"),
            caps, "00000000a80425fb"},
           {"all dropped and added",
            Security("capabilities { add_capabilities: ['ALL', 'KILL'] drop_capabilities: 'ALL' }"),
            caps, "0000000000000020"},
           {"no_new_privs", Security("no_new_privs: true"), "grep NoNewPrivs /proc/1/status", "1"},
           {"new privileges", Security(""), "grep NoNewPrivs /proc/1/status", "0"},
           {"seccomp", Security("seccomp { profile_type: RuntimeDefault }"),
            "grep Seccomp: /proc/1/status", "2"},
           {"no seccomp", Security(""), "grep Seccomp: /proc/1/status", "0"},
           {"readonly_rootfs", Security("readonly_rootfs: true"), "touch /x",
            "Read-only file system"},
           {"masked_paths", Security("masked_paths: '/proc/version'"), "wc -c /proc/version",
            "^0 "},
           {"nothing masked", Security(""), "wc -c /proc/version", "^[1-9]"},
           {"readonly_paths", Security("readonly_paths: '/tmp'"), "touch /tmp/x",
            "Read-only file system"},
       }) {
    ExpectInside(field);
  }
}

TEST_F(FieldsTest, SysIsWritableForPrivilegedContainersOnly) {
  const std::string pod = "linux { security_context { privileged: true } }";
  const std::string mount = "grep ' /sys sysfs' /proc/mounts";
  ExpectInside({"plain", Security(""), mount, "^sysfs /sys sysfs ro", pod});
  ExpectInside({"privileged", Security("privileged: true"), mount, "^sysfs /sys sysfs rw", pod});
  const std::string on_host =
      "linux { security_context { privileged: true namespace_options { network: NODE } } }";
  ExpectInside(
      {"privileged in the host's network", on_host, mount, "^sysfs /sys sysfs rw", on_host});
}

TEST_F(FieldsTest, Ipv6) {
  if (!std::filesystem::exists("/proc/sys/net/ipv6")) GTEST_SKIP() << "this kernel has no IPv6";
  const std::string addresses = "ip -o addr show dev lo";
  ExpectInside({"loopback", "", addresses, "::1/128"});
  const auto id = Start({"forbidden", "", "", "",
                         "linux { sysctls { key: 'net.ipv6.conf.all.disable_ipv6' value: '1' } }"});
  const auto inside = Exec(cri_, id, {"sh", "-c", addresses});
  ASSERT_TRUE(inside) << inside.error().message;
  EXPECT_THAT(inside->stdout(), Not(HasSubstr("::1/128")));
}

TEST_F(FieldsTest, Users) {
  const std::string image = "image { image: '" + kPredefinedGroup + "' } ";
  const std::string who = "grep -E 'Uid|Gid|Groups' /proc/1/status | tr '\\t\\n' '  '";
  for (const auto& field : std::vector<Field>{
           {"user", Security("run_as_user { value: 7 }"), who, "Uid: 7 .*Gid: 0 "},
           {"user and group", Security("run_as_user { value: 7 } run_as_group { value: 8 }"), who,
            "Uid: 7 .*Gid: 8 .*Groups: 8 "},
           {"user name", Security("run_as_username: 'www-data'"), who, "Uid: 33 .*Gid: 33 "},
           {"groups", Security("supplemental_groups: [5, 4]"), who, "Groups: (0 )?4 5"},
           {"the image's groups", image + Security("run_as_user { value: 1000 }"), who,
            "Gid: 1000 .*Groups: 1000 50000 "},
           {"the image's groups with another first one",
            image + Security("run_as_user { value: 1000 } run_as_group { value: 9 }"), who,
            "Gid: 9 .*Groups: 9 50000 "},
           {"strict",
            image + Security("run_as_user { value: 1000 } supplemental_groups: 5 "
                             "supplemental_groups_policy: Strict"),
            who, "Gid: 1000 .*Groups: 5 1000 *$"},
           {"strict, the image's own user", image + Security("supplemental_groups_policy: Strict"),
            who, "Groups: [0-9]+ *$"},
       }) {
    ExpectInside(field);
  }
}

TEST_F(FieldsTest, StatusShowsTheUser) {
  const auto id = Start({"user", Security("run_as_user { value: 7 } run_as_group { value: 8 } "
                                          "supplemental_groups: 5")});
  const auto status = StatusOf(cri_, id);
  ASSERT_TRUE(status);
  EXPECT_EQ(status->user().linux().uid(), 7);
  EXPECT_EQ(status->user().linux().gid(), 8);
  EXPECT_THAT(status->user().linux().supplemental_groups(), ElementsAre(5, 8));
}

TEST_F(FieldsTest, Resources) {
  for (const auto& field : std::vector<Field>{
           {"cpu_shares", Resources("cpu_shares: 512"), CgroupFile("cpu/cpu.shares", "cpu.weight"),
            "^(512|20|59)\n"},
           {"cpu_quota", Resources("cpu_period: 50000 cpu_quota: 20000"),
            CgroupFile("cpu/cpu.cfs_quota_us", "cpu.max"), "^20000"},
           {"cpu_period", Resources("cpu_period: 50000 cpu_quota: 20000"),
            CgroupFile("cpu/cpu.cfs_period_us", "cpu.max"), "50000\n"},
           {"no cpu_quota", Resources("cpu_period: 50000 cpu_quota: -1"),
            CgroupFile("cpu/cpu.cfs_quota_us", "cpu.max"), "^(-1|max)"},
           {"cpuset_cpus", Resources("cpuset_cpus: '0'"),
            CgroupFile("cpuset/cpuset.cpus", "cpuset.cpus"), "^0\n"},
           {"memory", Resources("memory_limit_in_bytes: 33554432"),
            CgroupFile("memory/memory.limit_in_bytes", "memory.max"), "^33554432\n"},
           {"oom_score_adj", Resources("oom_score_adj: 987") + Security(""),
            "cat /proc/1/oom_score_adj", "^987\n"},
       }) {
    ExpectInside(field);
  }
}

TEST_F(FieldsTest, ResourcesChange) {
  const auto id = Start({"memory", Resources("memory_limit_in_bytes: 33554432 cpu_shares: 512")});
  cri_v1::UpdateContainerResourcesRequest request;
  request.set_container_id(id);
  request.mutable_linux()->set_memory_limit_in_bytes(67108864);
  request.mutable_linux()->set_cpu_shares(256);
  ASSERT_TRUE(cri_.Call(&Runtime::UpdateContainerResources, request));
  const auto inside = [&](const std::string& v1, const std::string& v2) {
    const auto answer = Exec(cri_, id, {"sh", "-c", CgroupFile(v1, v2)});
    return answer ? answer->stdout() : answer.error().message;
  };
  EXPECT_EQ(inside("memory/memory.limit_in_bytes", "memory.max"), "67108864\n");
  const auto status = StatusOf(cri_, id);
  ASSERT_TRUE(status);
  EXPECT_EQ(status->resources().linux().memory_limit_in_bytes(), 67108864);
  EXPECT_EQ(status->resources().linux().cpu_shares(), 256);

  // A quota that is taken away again, as kubelet does for exclusive CPUs.
  request.mutable_linux()->Clear();
  request.mutable_linux()->set_cpu_quota(20000);
  ASSERT_TRUE(cri_.Call(&Runtime::UpdateContainerResources, request));
  EXPECT_THAT(inside("cpu/cpu.cfs_quota_us", "cpu.max"), ContainsRegex("^20000"));
  request.mutable_linux()->set_cpu_quota(-1);
  const auto unlimited = cri_.Call(&Runtime::UpdateContainerResources, request);
  ASSERT_TRUE(unlimited) << unlimited.error().message;
  EXPECT_THAT(inside("cpu/cpu.cfs_quota_us", "cpu.max"), ContainsRegex("^(-1|max)"));
  EXPECT_EQ(inside("memory/memory.limit_in_bytes", "memory.max"), "67108864\n") << "left alone";
}

TEST_F(FieldsTest, Namespaces) {
  const auto host = [](const std::string& name) {
    return std::filesystem::read_symlink("/proc/self/ns/" + name).string();
  };
  const auto row = [&](const std::string& options, const std::string& name, bool is_hosts) {
    const std::string all = "linux { security_context { namespace_options { " + options + " } } }";
    const auto id = Start({options, all, "", "", all});
    const auto inside = Exec(cri_, id, {"readlink", "/proc/self/ns/" + name});
    ASSERT_TRUE(inside) << options;
    EXPECT_EQ(inside->stdout() == host(name) + "\n", is_hosts) << options << " " << name;
  };
  row("pid: NODE", "pid", true);
  row("pid: CONTAINER", "pid", false);
  row("ipc: NODE", "ipc", true);
  row("ipc: POD", "ipc", false);
  row("network: NODE", "net", true);
  row("network: NODE", "uts", true);
  row("network: POD", "net", false);
}

TEST_F(FieldsTest, PodAndTargetPidNamespaces) {
  const auto first =
      Start({"pod", "linux { security_context { namespace_options { pid: POD } } }"});
  const auto shared = Exec(cri_, first, {"sh", "-c", "tr '\\0' ' ' </proc/1/cmdline"});
  ASSERT_TRUE(shared);
  EXPECT_THAT(shared->stdout(), HasSubstr("pause"));

  auto pod = PodConfig("target");
  const auto pod_id = RunPod(cri_, pod);
  ASSERT_TRUE(pod_id);
  pods_.push_back(*pod_id);
  auto target = SleeperConfig("target");
  Merge(Security(""), &target);
  const auto target_id = CreateContainer(cri_, *pod_id, pod, target);
  ASSERT_TRUE(target_id);
  ASSERT_TRUE(StartContainer(cri_, *target_id));
  auto guest = SleeperConfig("guest");
  Merge("linux { security_context { namespace_options { pid: TARGET target_id: '" + *target_id +
            "' } } }",
        &guest);
  const auto guest_id = CreateContainer(cri_, *pod_id, pod, guest);
  ASSERT_TRUE(guest_id) << guest_id.error().message;
  ASSERT_TRUE(StartContainer(cri_, *guest_id));
  const auto ns = [&](const std::string& id) {
    return Exec(cri_, id, {"readlink", "/proc/self/ns/pid"})->stdout();
  };
  EXPECT_EQ(ns(*guest_id), ns(*target_id));

  // Of another pod: refused.
  Merge("linux { security_context { namespace_options { target_id: '" + first + "' } } }", &guest);
  guest.mutable_metadata()->set_name("stranger");
  const auto refused = CreateContainer(cri_, *pod_id, pod, guest);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("target_id"));
}

TEST_F(FieldsTest, Mounts) {
  const std::filesystem::path folder = std::string(std::getenv("DSD_TEST_STATE")) + "/mounts";
  std::filesystem::create_directories(folder / "real");
  std::ofstream(folder / "real/file") << "content\n";
  std::error_code ignored;
  std::filesystem::create_directory_symlink("real", folder / "link", ignored);
  const auto mount = [&](const std::string& source, const std::string& more = {}) {
    return "mounts { container_path: '/m' host_path: '" + (folder / source).string() + "' " + more +
           " }";
  };
  for (const auto& field : std::vector<Field>{
           {"bind", mount("real"), "cat /m/file", "content"},
           {"symbolic link", mount("link"), "cat /m/file", "content"},
           {"missing source", mount("new/folder"), "ls -d /m", "^/m\n"},
           {"writable", mount("real"), "touch /m/x && echo fine", "fine"},
           {"readonly", mount("real", "readonly: true"), "touch /m/x", "Read-only file system"},
           {"file", mount("real/file"), "cat /m", "content"},
           {"device",
            "devices { host_path: '/dev/null' container_path: '/dev/mine' permissions: 'r' }",
            "ls -l /dev/mine", "^c.* 1, +3"},
       }) {
    ExpectInside(field);
  }
  EXPECT_TRUE(std::filesystem::is_directory(folder / "new/folder"));
}

TEST_F(FieldsTest, StopSignals) {
  const auto signal_of = [&](const std::string& text) {
    const auto status = StatusOf(cri_, Start({"signal", text}));
    return status ? cri_v1::Signal_Name(status->stop_signal()) : status.error().message;
  };
  EXPECT_EQ(signal_of(""), "SIGNAL_SIGTERM");
  EXPECT_EQ(signal_of("stop_signal: SIGNAL_SIGRTMINPLUS3"), "SIGNAL_SIGRTMINPLUS3");
}

TEST_F(FieldsTest, CheckpointsAreRefused) {
  cri_v1::CheckpointContainerRequest request;
  request.set_container_id(Start({"checkpoint", ""}));
  request.set_location("/tmp/checkpoint.tar");
  const auto refused = cri_.Call(&Runtime::CheckpointContainer, request);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, base::Code::kUnimplemented);
  EXPECT_THAT(refused.error().message, HasSubstr("docker checkpoint"));
  EXPECT_FALSE(std::filesystem::exists(request.location()));
}

}  // namespace
}  // namespace dockershimd::tests
