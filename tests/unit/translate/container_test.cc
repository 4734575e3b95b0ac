#include "shim/translate/container.h"

#include <gmock/gmock.h>

#include "cases.h"
#include "shim/translate/labels.h"
#include "shim/translate/remembered.h"

namespace dockershimd::shim::translate {
namespace {

using base::Code;
using base::Result;
using nlohmann::json;
using runtime::v1::ContainerConfig;
using runtime::v1::PodSandboxConfig;
using runtime::v1::Signal;
using testing::HasSubstr;
using testing::Pair;
using testing::UnorderedElementsAre;
using namespace testing_support;

const std::string kMinimal = R"(metadata { name: "app" } image { image: "r.io/app:1" } )";
const std::string kPod = R"(metadata { name: "pod" namespace: "ns" uid: "u" }
  log_directory: "/var/log/pods/x/" linux { cgroup_parent: "/kubepods/pod1" } )";

Result<std::string> NoProfile(const std::string& path) {
  return base::Fail(Code::kNotFound, "no file {}", path);
}

struct Options {
  EngineView engine = NewEngine();
  std::string pod = kPod;
  std::string handler = {};
  const ImageAccounts* accounts = nullptr;
};

Result<dockerapi::ContainerSpec> Spec(const std::string& config_text, const Options& options = {}) {
  const auto config = Parse<ContainerConfig>(kMinimal + config_text);
  const auto pod = Parse<PodSandboxConfig>(options.pod);
  return ContainerSpecOf({config, config, pod, "sandbox1", options.handler, {}, options.accounts},
                         options.engine, NoProfile);
}

json Minimal() {
  return json::parse(R"({
    "Image": "r.io/app:1",
    "Healthcheck": {"Test": ["NONE"]},
    "HostConfig": {
      "RestartPolicy": {"Name": "no"},
      "NetworkMode": "container:sandbox1",
      "IpcMode": "container:sandbox1",
      "PidMode": "container:sandbox1",
      "CgroupParent": "/kubepods/pod1",
      "LogConfig": {"Type": "json-file",
                    "Config": {"max-size": "5m", "max-file": "3", "compress": "false"}},
      "SecurityOpt": ["seccomp=unconfined"],
      "MaskedPaths": [],
      "ReadonlyPaths": []
    }})");
}

void ExpectBodies(const std::vector<Row>& rows, const Options& options = {}) {
  for (const auto& row : rows) {
    const auto spec = Spec(row.config, options);
    ASSERT_TRUE(spec) << row.config << ": " << spec.error().message;
    auto expected = Minimal();
    expected.merge_patch(json::parse(row.patch));
    EXPECT_EQ(BodyOf(*spec), expected) << row.config;
  }
}

void ExpectRefusals(const std::vector<Refusal>& rows, const Options& options = {}) {
  for (const auto& row : rows) {
    const auto spec = Spec(row.config, options);
    ASSERT_FALSE(spec) << row.config;
    EXPECT_EQ(spec.error().code, row.code) << row.config;
    EXPECT_THAT(spec.error().message, HasSubstr(row.message));
  }
}

TEST(Container, Process) {
  ExpectBodies({
      {"", "{}"},
      {R"(image { image: "busybox" user_specified_image: "x" })",
       R"({"Image": "docker.io/library/busybox:latest"})"},
      {R"(command: "sh" command: "-c")", R"({"Entrypoint": ["sh", "-c"]})"},
      {R"(args: "a" args: "b")", R"({"Cmd": ["a", "b"]})"},
      {R"(command: "sh" args: "x")", R"({"Entrypoint": ["sh"], "Cmd": ["x"]})"},
      {R"(working_dir: "/work")", R"({"WorkingDir": "/work"})"},
      {R"(envs { key: "A" value: "1=2" } envs { key: "B" })", R"({"Env": ["A=1=2", "B="]})"},
      {"tty: true", R"({"Tty": true})"},
      {"stdin: true", R"({"OpenStdin": true})"},
      {"stdin: true stdin_once: true", R"({"OpenStdin": true, "StdinOnce": true})"},
      {"stop_signal: SIGNAL_SIGUSR1", R"({"StopSignal": "SIGUSR1"})"},
      {R"(annotations { key: "a/b" value: "c" })",
       R"({"HostConfig": {"Annotations": {"a/b": "c"}}})"},
  });
}

TEST(Container, OldEnginesHaveNoAnnotations) {
  ExpectBodies({{R"(annotations { key: "a/b" value: "c" })", "{}"}}, {.engine = OldEngine()});
}

TEST(Container, RefusesProcesses) {
  ExpectRefusals({
      {R"(image { image: "UPPER case" })", Code::kInvalidArgument, "image.image"},
      {R"(envs { key: "" value: "x" })", Code::kInvalidArgument, "envs: ''"},
      {R"(envs { key: "A=B" })", Code::kInvalidArgument, "envs: 'A=B'"},
      {R"(envs { key: "A" value: "\xff" })", Code::kInvalidArgument, "envs[A].value"},
      {R"(envs { key: "A" value: "x\000y" })", Code::kInvalidArgument, "envs[A].value"},
  });
  auto config = Parse<ContainerConfig>(kMinimal);
  config.set_stop_signal(static_cast<Signal>(99));
  const PodSandboxConfig pod;
  const auto spec =
      ContainerSpecOf({config, config, pod, "s", "", {}, nullptr}, NewEngine(), NoProfile);
  ASSERT_FALSE(spec);
  EXPECT_THAT(spec.error().message, HasSubstr("stop_signal: unknown value 99"));
}

std::string Namespaces(const std::string& options) {
  return "linux { security_context { namespace_options { " + options + " } } }";
}

TEST(Container, Namespaces) {
  const auto row = [](const std::string& options, const std::string& patch) {
    const auto spec = Spec(Namespaces(options));
    ASSERT_TRUE(spec) << options << ": " << spec.error().message;
    auto expected = Minimal();
    expected.merge_patch(json{{"HostConfig", json::parse(patch)}});
    EXPECT_EQ(BodyOf(*spec), expected) << options;
  };
  row("pid: CONTAINER", R"({"PidMode": null})");
  row("pid: NODE", R"({"PidMode": "host"})");
  row(R"(pid: TARGET target_id: "c9")", R"({"PidMode": "container:c9"})");
  row("ipc: NODE", R"({"IpcMode": "host"})");
  row("ipc: CONTAINER", R"({"IpcMode": "private"})");
  row("network: NODE", "{}");  // The sandbox is in the host's network already.
  row("userns_options { mode: NODE }", "{}");
}

TEST(Container, HostNetworkMeansTheHostsName) {
  ExpectBodies(
      {{"", R"({"HostConfig": {"UTSMode": "host"}})"}},
      {.pod = kPod + "linux { security_context { namespace_options { network: NODE } } }"});
}

TEST(Container, RefusesNamespaces) {
  const std::vector<std::tuple<std::string, Code, std::string>> rows = {
      {"pid: TARGET", Code::kInvalidArgument, "target_id: is required"},
      {"network: CONTAINER", Code::kInvalidArgument,
       "network: a pod's network is POD or NODE, not CONTAINER"},
      {"network: TARGET", Code::kInvalidArgument, "network"},
      {"network: 9", Code::kInvalidArgument, "not 9"},
      {"pid: 9", Code::kInvalidArgument, "pid: unknown value 9"},
      {"ipc: TARGET", Code::kInvalidArgument, "ipc"},
      {"ipc: 9", Code::kInvalidArgument, "ipc"},
      {"userns_options { mode: POD }", Code::kUnimplemented, "hostUsers: true"},
      {"userns_options { mode: CONTAINER }", Code::kInvalidArgument, "userns_options"},
      {"userns_options { mode: NODE uids { length: 1 } }", Code::kInvalidArgument,
       "userns_options"},
      {"userns_options { mode: NODE gids { length: 1 } }", Code::kInvalidArgument,
       "userns_options"},
  };
  for (const auto& [options, code, message] : rows) {
    const std::string text = Namespaces(options);
    ExpectRefusals({{text.c_str(), code, message.c_str()}});
  }
}

TEST(Container, PrivilegedOnlyInAPrivilegedPod) {
  constexpr const char* kPrivileged = R"(linux { security_context { privileged: true
      masked_paths: "/proc/x" capabilities { drop_capabilities: "ALL" } } })";
  ExpectRefusals({{kPrivileged, Code::kInvalidArgument, "security_context.privileged"}});
  ExpectBodies({{kPrivileged, R"({"HostConfig": {"Privileged": true, "SecurityOpt": null,
                                  "MaskedPaths": null, "ReadonlyPaths": null}})"}},
               {.pod = kPod + "linux { security_context { privileged: true } }"});
}

TEST(Container, Resources) {
  ExpectBodies({{"linux { resources { cpu_shares: 7 oom_score_adj: 900 } }",
                 R"({"HostConfig": {"CpuShares": 7, "OomScoreAdj": 900}})"},
                {"linux { resources { oom_score_adj: -997 } }",
                 R"({"HostConfig": {"OomScoreAdj": -997}})"}});
  ExpectRefusals({{"linux { resources { oom_score_adj: 1001 } }", Code::kInvalidArgument,
                   "resources.oom_score_adj"},
                  {"linux { resources { unified { key: 'a/b.c' } } }", Code::kInvalidArgument,
                   "resources.unified[a/b.c]"}});
}

TEST(Container, ARestrictedHostKeepsItsScore) {
  Options options;
  options.engine.may_lower_oom_score = false;
  options.engine.own_oom_score_adj = -5;
  ExpectBodies(
      {{"linux { resources { oom_score_adj: -997 } }", R"({"HostConfig": {"OomScoreAdj": -5}})"},
       {"linux { resources { oom_score_adj: -5 } }", R"({"HostConfig": {"OomScoreAdj": -5}})"},
       {"linux { resources { oom_score_adj: 3 } }", R"({"HostConfig": {"OomScoreAdj": 3}})"}},
      options);
}

TEST(Container, MountsDevicesAndSecurityAreAsked) {
  ExpectRefusals({
      {R"(mounts { host_path: "/x" })", Code::kInvalidArgument, "container_path"},
      {R"(devices { container_path: "/dev/x" })", Code::kInvalidArgument, "devices"},
      {"linux { security_context { run_as_group { value: 5 } } }", Code::kInvalidArgument,
       "run_as_group"},
  });
}

TEST(Container, RuntimeHandlers) {
  ExpectBodies({{"", R"({"HostConfig": {"Runtime": "nvidia"}})"}}, {.handler = "nvidia"});
  ExpectBodies({{"", "{}"}}, {.handler = "docker"});
  ExpectRefusals(
      {{"", Code::kFailedPrecondition, "no runtime 'kata' (it has: crun, nvidia, runc)"}},
      {.handler = "kata"});
}

TEST(Container, TakesTheImagesAccounts) {
  const ImageAccounts accounts{"", "me:x:7:8::/:/bin/sh", "g:x:9:me"};
  ExpectBodies(
      {{"linux { security_context { run_as_user { value: 7 } run_as_group { value: 1 } } }",
        R"({"User": "7:1", "HostConfig": {"GroupAdd": ["9"]}})"}},
      {.accounts = &accounts});
}

TEST(Container, Labels) {
  const auto spec = Spec(R"(log_path: "app/0.log" labels { key: "l" value: "1" }
                            annotations { key: "a" value: "2" }
                            labels { key: "io.kubernetes.docker.type" value: "podsandbox" })");
  ASSERT_TRUE(spec);
  EXPECT_THAT(spec->labels, UnorderedElementsAre(Pair("l", "1"), Pair("annotation.a", "2"),
                                                 Pair("io.kubernetes.docker.type", "container"),
                                                 Pair("io.kubernetes.sandbox.id", "sandbox1"),
                                                 Pair("io.kubernetes.container.logpath",
                                                      "/var/log/pods/x/app/0.log"),
                                                 Pair("io.dockershimd.config", testing::_)));
}

// An image with that label must not choose where the daemon writes.
TEST(Container, AnImageCannotNameALogFile) {
  const auto spec = Spec("");
  ASSERT_TRUE(spec);
  EXPECT_THAT(spec->labels, testing::Contains(Pair("io.kubernetes.container.logpath", "")));
}

TEST(Container, RemembersWhatWasAskedNotWhatWasResolved) {
  const auto asked =
      Parse<ContainerConfig>(kMinimal + R"(mounts { host_path: "/link" container_path: "/m" })");
  auto resolved = asked;
  resolved.mutable_mounts(0)->set_host_path("/real");
  const auto pod = Parse<PodSandboxConfig>(kPod);
  const auto spec =
      ContainerSpecOf({asked, resolved, pod, "s", "", {}, nullptr}, NewEngine(), NoProfile);
  ASSERT_TRUE(spec);
  EXPECT_EQ(spec->host.mounts.at(0).source, "/real");
  dockerapi::ContainerDetails details;
  details.spec = *spec;
  EXPECT_EQ(RecallContainer(details).mounts(0).host_path(), "/link");
}

TEST(Container, Check) {
  const auto message = [](const std::string& text) {
    const auto checked = CheckContainerConfig(Parse<ContainerConfig>(text));
    if (checked) return std::string();
    EXPECT_EQ(checked.error().code, Code::kInvalidArgument);
    return checked.error().message;
  };
  EXPECT_EQ(message(kMinimal), "");
  EXPECT_THAT(message(R"(image { image: "x" })"), HasSubstr("config.metadata.name"));
  EXPECT_THAT(message(R"(metadata {} image { image: "x" })"), HasSubstr("config.metadata.name"));
  EXPECT_THAT(message(R"(metadata { name: "x" })"), HasSubstr("config.image.image"));
  EXPECT_THAT(message(kMinimal + "windows {}"), HasSubstr("config.windows"));
}

TEST(Container, LogPath) {
  const auto path = [](const std::string& directory, const std::string& file) {
    PodSandboxConfig pod;
    pod.set_log_directory(directory);
    ContainerConfig config;
    config.set_log_path(file);
    return LogPathOf(pod, config);
  };
  EXPECT_EQ(path("/logs", "a/0.log"), "/logs/a/0.log");
  EXPECT_EQ(path("/logs//", "0.log"), "/logs/0.log");
  EXPECT_EQ(path("", "0.log"), "");
  EXPECT_EQ(path("/logs", ""), "");
}

TEST(StopSignal, EveryOneThereAndBack) {
  const auto* all = runtime::v1::Signal_descriptor();
  for (int i = 1; i < all->value_count(); ++i) {
    const auto signal = static_cast<Signal>(all->value(i)->number());
    const auto name = StopSignalName(signal);
    ASSERT_TRUE(name);
    EXPECT_TRUE(name->starts_with("SIG")) << *name;
    EXPECT_EQ(StopSignalOf(*name), signal) << *name;
  }
}

TEST(StopSignal, Names) {
  EXPECT_EQ(*StopSignalName(Signal::SIGNAL_RUNTIME_DEFAULT), "");
  EXPECT_EQ(*StopSignalName(Signal::SIGNAL_SIGTERM), "SIGTERM");
  EXPECT_EQ(*StopSignalName(Signal::SIGNAL_SIGRTMINPLUS15), "SIGRTMIN+15");
  EXPECT_EQ(*StopSignalName(Signal::SIGNAL_SIGRTMAXMINUS1), "SIGRTMAX-1");
  const auto unknown = StopSignalName(static_cast<Signal>(66));
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, Code::kInvalidArgument);
}

TEST(StopSignal, AsImagesSpellThem) {
  EXPECT_EQ(StopSignalOf(""), Signal::SIGNAL_SIGTERM);
  EXPECT_EQ(StopSignalOf("QUIT"), Signal::SIGNAL_SIGQUIT);
  EXPECT_EQ(StopSignalOf("sigquit"), Signal::SIGNAL_SIGQUIT);
  EXPECT_EQ(StopSignalOf("3"), Signal::SIGNAL_SIGQUIT);
  EXPECT_EQ(StopSignalOf("rtmin+3"), Signal::SIGNAL_SIGRTMINPLUS3);
  EXPECT_EQ(StopSignalOf("999"), Signal::SIGNAL_RUNTIME_DEFAULT);
  EXPECT_EQ(StopSignalOf("15x"), Signal::SIGNAL_RUNTIME_DEFAULT);
  EXPECT_EQ(StopSignalOf("NOSUCH"), Signal::SIGNAL_RUNTIME_DEFAULT);
}

}  // namespace
}  // namespace dockershimd::shim::translate
