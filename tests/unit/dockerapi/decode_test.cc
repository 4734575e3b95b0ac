#include "dockerapi/decode.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <nlohmann/json.hpp>

namespace dockershimd::dockerapi {
namespace {

using base::Code;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;
using testing::UnorderedElementsAre;

/// Each decoder, as whether it took a text.
struct Decoder {
  const char* name;
  const char* least;  ///< the least that it takes
  std::function<base::Status(std::string_view)> decode;
};

template <class T>
std::function<base::Status(std::string_view)> Only(base::Result<T> (*decode)(std::string_view)) {
  return [decode](std::string_view text) {
    const auto result = decode(text);
    return result ? base::Status() : base::Fail(result.error());
  };
}

class EveryDecoder : public testing::TestWithParam<Decoder> {};

TEST_P(EveryDecoder, TakesTheLeast) {
  const auto decoded = GetParam().decode(GetParam().least);
  EXPECT_TRUE(decoded) << decoded.error().message;
}

TEST_P(EveryDecoder, RefusesWhatIsNoSuchJson) {
  const bool list = *GetParam().least == '[';
  for (const std::string text : {"", "no JSON", "{", "null", "7", "\"text\"", "\xff",
                                 "{\"Id\":\"\xff\"}", "{} {}", list ? "{}" : "[]"}) {
    const auto decoded = GetParam().decode(text);
    ASSERT_FALSE(decoded) << text;
    EXPECT_EQ(decoded.error().code, Code::kInternal);
  }
}

/// A value of each wrong kind in each place where anything may stand.
TEST_P(EveryDecoder, SurvivesWrongTypes) {
  constexpr const char* kMembers[] = {"Id",
                                      "ID",
                                      "Names",
                                      "Labels",
                                      "Created",
                                      "State",
                                      "Config",
                                      "HostConfig",
                                      "Mounts",
                                      "NetworkSettings",
                                      "GraphDriver",
                                      "Args",
                                      "RepoTags",
                                      "Size",
                                      "Actor",
                                      "timeNano",
                                      "progressDetail",
                                      "errorDetail",
                                      "error",
                                      "StatusCode",
                                      "Error",
                                      "ExitCode",
                                      "Pid",
                                      "Running",
                                      "Runtimes",
                                      "DriverStatus",
                                      "SecurityOptions",
                                      "ApiVersion",
                                      "ImageUsage",
                                      "LayersSize"};
  constexpr const char* kValues[] = {
      "null",
      "true",
      "-1",
      "1.5",
      "1e400",
      "18446744073709551615",
      "\"t\"",
      "[]",
      "[null,[[]],{}]",
      "{}",
      R"({"Status":7,"Pid":[],"PortBindings":{"x":null,"80":[7,{}]},"Mounts":[7],"Data":[]})",
      R"({"Networks":{"n":7},"Attributes":{"a":7},"message":{},"code":"x","TotalSize":"1"})"};
  auto whole = nlohmann::json::parse(GetParam().least);
  for (const auto* member : kMembers) {
    for (const auto* value : kValues) {
      const std::string object = fmt::format(R"({{"{}":{}}})", member, value);
      (void)GetParam().decode(object);
      (void)GetParam().decode("[" + object + "]");
      const auto json = nlohmann::json::parse(value, nullptr, false);
      if (json.is_discarded() || !whole.is_object()) continue;
      auto changed = whole;
      changed[member] = json;
      (void)GetParam().decode(changed.dump());
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, EveryDecoder,
    testing::Values(Decoder{"Version", R"({"ApiVersion":"1.41"})", Only(DecodeVersion)},
                    Decoder{"Info", "{}", Only(DecodeInfo)},
                    Decoder{"DiskUsage", "{}", Only(DecodeDiskUsage)},
                    Decoder{"Event", "{}", Only(DecodeEvent)},
                    Decoder{"ContainerList", "[]", Only(DecodeContainerList)},
                    Decoder{"Container", R"({"Id":"c"})", Only(DecodeContainer)},
                    Decoder{"Exec", R"({"Running":true})", Only(DecodeExec)},
                    Decoder{"ImageList", "[]", Only(DecodeImageList)},
                    Decoder{"Image", R"({"Id":"i"})", Only(DecodeImage)},
                    Decoder{"Progress", "{}", Only(DecodeProgress)},
                    Decoder{"ExitCode", R"({"StatusCode":0})", Only(DecodeExitCode)},
                    Decoder{"Id", R"({"Id":"x"})", Only(DecodeId)}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(DecodeVersion, Full) {
  const auto version = DecodeVersion(
      R"({"Version":"20.10.24","ApiVersion":"1.41","MinAPIVersion":"1.12","Os":"linux",
          "Arch":"amd64","KernelVersion":"6.1","Components":[]})");
  ASSERT_TRUE(version);
  EXPECT_EQ(version->version, "20.10.24");
  EXPECT_EQ(version->api, (ApiVersion{1, 41}));
  EXPECT_EQ(version->min_api, (ApiVersion{1, 12}));
  EXPECT_EQ(version->os + version->arch + version->kernel_version, "linuxamd646.1");
  EXPECT_FALSE(DecodeVersion(R"({"ApiVersion":"new"})"));
}

TEST(DecodeInfo, Full) {
  const auto info = DecodeInfo(
      R"({"ID":"i","Name":"n","ServerVersion":"v","DockerRootDir":"/r","Driver":"overlay2",
          "DriverStatus":[["Backing","ext4"],["bad"],null,[1,2]],"CgroupDriver":"systemd",
          "CgroupVersion":"2","LoggingDriver":"json-file","DefaultRuntime":"runc",
          "Runtimes":{"runc":{},"crun":null},"SecurityOptions":["name=seccomp"],
          "CDISpecDirs":["/etc/cdi"],"OperatingSystem":"os","KernelVersion":"k",
          "LiveRestoreEnabled":true,"ExperimentalBuild":true,"Containers":3})");
  ASSERT_TRUE(info);
  EXPECT_EQ(info->root_dir, "/r");
  EXPECT_THAT(info->storage_driver_status, ElementsAre(Pair("Backing", "ext4")));
  EXPECT_EQ(info->cgroup_driver + info->cgroup_version, "systemd2");
  EXPECT_THAT(info->runtimes, UnorderedElementsAre("runc", "crun"));
  EXPECT_THAT(info->cdi_spec_dirs, ElementsAre("/etc/cdi"));
  EXPECT_TRUE(info->live_restore && info->experimental);
  EXPECT_EQ(info->containers, 3);
}

TEST(DecodeDiskUsage, OldAndNew) {
  EXPECT_EQ(DecodeDiskUsage(R"({"LayersSize":5,"Images":null})")->layers_bytes, 5);
  EXPECT_EQ(DecodeDiskUsage(R"({"ImageUsage":{"TotalSize":7},"LayersSize":5})")->layers_bytes, 7);
  EXPECT_EQ(DecodeDiskUsage(R"({"ImageUsage":{}})")->layers_bytes, 0);
}

TEST(DecodeEvent, Full) {
  const auto event = DecodeEvent(
      R"({"status":"die","id":"c","Type":"container","Action":"die","Actor":{"ID":"c",
          "Attributes":{"exitCode":"1","n":7}},"scope":"local","time":12,"timeNano":12000000034})");
  ASSERT_TRUE(event);
  EXPECT_EQ(event->type + " " + event->action + " " + event->actor_id, "container die c");
  EXPECT_THAT(event->attributes, ElementsAre(Pair("exitCode", "1")));
  EXPECT_EQ(event->time, 12'000'000'034);
}

TEST(DecodeContainerList, RowsWithoutAnIdAreLeftOut) {
  const auto rows = DecodeContainerList(
      R"([null,7,{},{"Id":""},{"Id":7},
          {"Id":"c","Names":["/n",null],"Image":"i","ImageID":"sha256:1","Created":5,
           "State":"running","Status":"Up","Labels":{"a":"b"}},
          {"Id":"d","Names":null,"Labels":null}])");
  ASSERT_TRUE(rows);
  ASSERT_EQ(rows->size(), 2U);
  const auto& row = rows->front();
  EXPECT_EQ(row.id + row.image + row.image_id + row.state + row.status, "cisha256:1runningUp");
  EXPECT_THAT(row.names, ElementsAre("/n"));
  EXPECT_EQ(row.created_seconds, 5);
  EXPECT_THAT(row.labels, ElementsAre(Pair("a", "b")));
  EXPECT_THAT(rows->back().names, IsEmpty());
}

TEST(DecodeContainer, State) {
  const auto details = DecodeContainer(
      R"({"Id":"c","Name":"/n","Created":"2024-01-02T03:04:05.000000006Z","Image":"sha256:1",
          "Path":"/p","Args":["a"],"LogPath":"/l","Driver":"overlay2","ResolvConfPath":"/r",
          "HostnamePath":"/hn","HostsPath":"/h","GraphDriver":{"Data":{"UpperDir":"/u"}},
          "State":{"Status":"exited","Running":false,"Paused":false,"OOMKilled":true,"Dead":true,
                   "Pid":7,"ExitCode":137,"Error":"e","StartedAt":"1970-01-01T00:00:01Z",
                   "FinishedAt":"0001-01-01T00:00:00Z"},
          "Mounts":[{"Type":"bind","Source":"/s","Destination":"/d","RW":false,
                     "Propagation":"rprivate"},null],
          "NetworkSettings":{"SandboxKey":"/k","Networks":{"bridge":{"IPAddress":"10.0.0.2",
             "GlobalIPv6Address":"fd::2","Gateway":"10.0.0.1"},"other":null}}})");
  ASSERT_TRUE(details);
  EXPECT_EQ(details->created_at, 1704164645000000006);
  EXPECT_EQ(details->state.status, "exited");
  EXPECT_TRUE(details->state.oom_killed && details->state.dead);
  EXPECT_EQ(details->state.pid, 7);
  EXPECT_EQ(details->state.exit_code, 137);
  EXPECT_EQ(details->state.started_at, 1'000'000'000);
  EXPECT_EQ(details->state.finished_at, 0);
  EXPECT_THAT(details->graph_driver_data, ElementsAre(Pair("UpperDir", "/u")));
  EXPECT_EQ(details->mounts.front().destination, "/d");
  EXPECT_FALSE(details->mounts.front().read_write);
  EXPECT_EQ(details->networks.at("bridge").ip_address, "10.0.0.2");
  EXPECT_EQ(details->networks.at("bridge").global_ipv6_address, "fd::2");
  EXPECT_EQ(details->networks.at("other").ip_address, "");
  EXPECT_EQ(details->sandbox_key, "/k");
}

TEST(DecodeContainer, NumbersBeyondTheirTypeAreClamped) {
  const auto details = DecodeContainer(
      R"({"Id":"c","State":{"Pid":18446744073709551615,"ExitCode":-99999999999},
          "HostConfig":{"Memory":18446744073709551615,"MemorySwap":1e300,"CpuShares":1.5}})");
  ASSERT_TRUE(details);
  EXPECT_EQ(details->state.pid, std::numeric_limits<int>::max());
  EXPECT_EQ(details->state.exit_code, std::numeric_limits<int>::min());
  EXPECT_EQ(details->spec.host.resources.memory_bytes, std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(details->spec.host.resources.memory_swap_bytes, 0);
  EXPECT_EQ(details->spec.host.resources.cpu_shares, 0);
}

TEST(DecodeContainer, NullIsNotEmpty) {
  const auto unset = DecodeContainer(
      R"({"Id":"c","Config":{"Cmd":null},"HostConfig":{"MaskedPaths":null,"PidsLimit":null}})");
  EXPECT_FALSE(unset->spec.command || unset->spec.entrypoint || unset->spec.host.masked_paths ||
               unset->spec.host.resources.pids_limit);
  const auto empty = DecodeContainer(
      R"({"Id":"c","Config":{"Cmd":[]},"HostConfig":{"MaskedPaths":[],"PidsLimit":0}})");
  EXPECT_THAT(*empty->spec.command, IsEmpty());
  EXPECT_THAT(*empty->spec.host.masked_paths, IsEmpty());
  EXPECT_EQ(*empty->spec.host.resources.pids_limit, 0);
}

Mount ReadOnlyBind() {
  Mount mount;
  mount.source = "/s";
  mount.target = "/t";
  mount.read_only = true;
  mount.propagation = "rslave";
  return mount;
}

Mount ImageMount() {
  Mount mount;
  mount.type = "image";
  mount.source = "i";
  mount.target = "/i";
  mount.image_subpath = "p";
  return mount;
}

/// What was asked for at creation reads back the same from inspect's Config and HostConfig.
TEST(DecodeContainer, SpecReadsBack) {
  ContainerSpec spec;
  spec.hostname = "h";
  spec.user = "1";
  spec.image = "i";
  spec.entrypoint = {{"/e", "x"}};
  spec.labels = {{"l", "v"}};
  spec.exposed_ports = {"80/tcp"};
  spec.tty = true;
  auto& host = spec.host;
  host.resources = {1, -1, 2, 3, 4, "0", "1", 9};
  host.network_mode = "none";
  host.mounts = {ReadOnlyBind(), ImageMount()};
  host.port_bindings = {{53, "udp", "", 53}, {80, "tcp", "127.0.0.1", 8080}};
  host.devices = {{"/dev/a", "/dev/b", "rw"}};
  host.device_requests = {{"cdi", {"v/c=d"}}};
  host.ulimits = {{"nofile", 1, 2}};
  host.cap_add = {"A"};
  host.sysctls = {{"k", "v"}};
  host.tmpfs = {{"/run", "size=1"}};
  host.log_driver = "json-file";
  host.log_options = {{"max-size", "10m"}};
  host.oom_score_adj = -5;
  host.privileged = true;
  host.masked_paths = std::vector<std::string>();
  const auto config = nlohmann::json::parse(ToJson(spec));
  const nlohmann::json inspect = {
      {"Id", "c"}, {"Config", config}, {"HostConfig", config["HostConfig"]}};
  const auto details = DecodeContainer(inspect.dump());
  ASSERT_TRUE(details);
  EXPECT_EQ(nlohmann::json::parse(ToJson(details->spec)), config);
}

TEST(DecodeContainer, PortsThatAreNone) {
  const auto details = DecodeContainer(
      R"({"Id":"c","HostConfig":{"PortBindings":{"99999/tcp":[{"HostPort":"-1"}],"x":[{}],
          "80":[{"HostPort":"99999"}],"81/udp":null}}})");
  ASSERT_TRUE(details);
  for (const auto& port : details->spec.host.port_bindings) {
    EXPECT_EQ(port.host_port, 0);
    EXPECT_TRUE(port.container_port == 0 || port.container_port == 80);
  }
}

TEST(DecodeExec, ExitCodeIsNeverMadeUp) {
  const auto running = DecodeExec(R"({"Running":true,"ExitCode":null,"Pid":7,"ContainerID":"c"})");
  EXPECT_TRUE(running->running);
  EXPECT_EQ(running->exit_code, -1);
  EXPECT_EQ(running->pid, 7);
  EXPECT_EQ(running->container_id, "c");
  EXPECT_EQ(DecodeExec(R"({"Running":false,"ExitCode":3})")->exit_code, 3);
  EXPECT_EQ(DecodeExec(R"({"Running":false,"ExitCode":"0"})")->exit_code, -1);
  EXPECT_FALSE(DecodeExec(R"({"ExitCode":0})"));
}

TEST(DecodeExitCode, NeedsOne) {
  EXPECT_EQ(DecodeExitCode(R"({"StatusCode":137,"Error":null})"), 137);
  EXPECT_FALSE(DecodeExitCode(R"({"StatusCode":"0"})"));
  EXPECT_FALSE(DecodeExitCode(R"({"StatusCode":1.5})"));
  EXPECT_THAT(DecodeExitCode(R"({"StatusCode":0,"Error":{"Message":"lost"}})").error().message,
              HasSubstr("lost"));
}

TEST(DecodeImages, NoNamesAreNone) {
  const auto images = DecodeImageList(
      R"([{"Id":"sha256:1","RepoTags":["<none>:<none>","a:1"],"RepoDigests":["<none>@<none>"],
           "Size":5,"Created":6,"Labels":{"l":"v"}},{"Id":""},null,
          {"Id":"sha256:2","RepoTags":null,"RepoDigests":null,"Size":null}])");
  ASSERT_TRUE(images);
  ASSERT_EQ(images->size(), 2U);
  EXPECT_THAT(images->front().repo_tags, ElementsAre("a:1"));
  EXPECT_THAT(images->front().repo_digests, IsEmpty());
  EXPECT_EQ(images->front().size_bytes, 5);
}

TEST(DecodeImage, Full) {
  const auto image = DecodeImage(
      R"({"Id":"sha256:1","RepoTags":["a:1"],"RepoDigests":[],"Size":9,"Architecture":"arm64",
          "Os":"linux","Config":{"User":"u","WorkingDir":"/w","StopSignal":"s","Env":["A=b"],
          "Entrypoint":["e"],"Cmd":null,"Volumes":{"/v":{}},"Labels":{"l":"v"}},
          "GraphDriver":null})");
  ASSERT_TRUE(image);
  EXPECT_EQ(image->user + image->working_dir + image->stop_signal, "u/ws");
  EXPECT_THAT(image->entrypoint, ElementsAre("e"));
  EXPECT_THAT(image->command, IsEmpty());
  EXPECT_THAT(image->volumes, ElementsAre("/v"));
  EXPECT_THAT(image->graph_driver_data, IsEmpty());
}

TEST(DecodeProgress, Full) {
  const auto progress = DecodeProgress(
      R"({"status":"Downloading","progressDetail":{"current":1,"total":9},"id":"l"})");
  ASSERT_TRUE(progress);
  EXPECT_EQ(progress->status + progress->id, "Downloadingl");
  EXPECT_EQ(progress->current, 1);
  EXPECT_EQ(progress->total, 9);
}

TEST(DecodeProgress, ErrorsByStatusAndByName) {
  const auto code = [](const std::string& text, int status = 0) {
    const nlohmann::json message = {{"errorDetail", {{"message", text}, {"code", status}}},
                                    {"error", text}};
    return DecodeProgress(message.dump()).error().code;
  };
  EXPECT_EQ(code("x", 401), Code::kUnauthenticated);
  EXPECT_EQ(code("x", 403), Code::kPermissionDenied);
  EXPECT_EQ(code("x", 404), Code::kNotFound);
  EXPECT_EQ(code("unauthorized: authentication required"), Code::kUnauthenticated);
  EXPECT_EQ(code("unexpected status from HEAD request to http://r.io/v2/: 401 Unauthorized"),
            Code::kUnauthenticated);
  EXPECT_EQ(code("unexpected status from HEAD request to http://r.io/v2/: 403 Forbidden"),
            Code::kPermissionDenied);
  EXPECT_EQ(code("denied: access forbidden"), Code::kPermissionDenied);
  EXPECT_EQ(code("manifest unknown"), Code::kNotFound);
  EXPECT_EQ(code("toomanyrequests: slow down"), Code::kResourceExhausted);
  EXPECT_EQ(code("disk full"), Code::kInternal);
  EXPECT_FALSE(DecodeProgress(R"({"errorDetail":{"message":"only here"}})"));
}

}  // namespace
}  // namespace dockershimd::dockerapi
