// What each call sends, as golden text: method, target and body.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "dockerapi/client.h"
#include "dockerapi/encode.h"
#include "fake_engine.h"

namespace dockershimd::dockerapi {
namespace {

using base::CallContext;
using nlohmann::json;
using testsupport::EngineReply;
using testsupport::EngineRequest;
using testsupport::FakeEngine;

CallContext Limit() { return CallContext::WithTimeout(std::chrono::seconds(20)); }

struct Case {
  const char* name;
  const char* request;  ///< method and target
  const char* body;     ///< JSON; empty: none, and no content type
  std::function<base::Status(Client&)> call;
};

template <class T>
base::Status StatusOf(const base::Result<T>& result) {
  return result ? base::Status() : base::Fail(result.error());
}

std::vector<Case> Cases() {
  return {
      {"Ping", "GET /v1.41/_ping", "", [](Client& c) { return c.Ping(Limit()); }},
      {"Version", "GET /v1.41/version", "", [](Client& c) { return StatusOf(c.Version(Limit())); }},
      {"Info", "GET /v1.41/info", "", [](Client& c) { return StatusOf(c.Info(Limit())); }},
      {"DiskUsage", "GET /v1.41/system/df?type=image", "",
       [](Client& c) { return StatusOf(c.GetDiskUsage(Limit())); }},
      {"Events",
       "GET /v1.41/events?filters=%7B%22event%22%3A%5B%22die%22%5D%2C%22type%22%3A%5B%22container"
       "%22%5D%7D&since=12.000000034",
       "",
       [](Client& c) {
         return c.StreamEvents(
             Limit(), {.since = 12'000'000'034, .types = {"container"}, .actions = {"die"}}, [] {},
             [](const Event&) { return false; });
       }},
      {"List",
       "GET /v1.41/containers/json?all=1&filters=%7B%22label%22%3A%5B%22a%3Db%22%2C%22c%22%5D%7D",
       "", [](Client& c) { return StatusOf(c.ListContainers(Limit(), {"a=b", "c"})); }},
      {"ListAll", "GET /v1.41/containers/json?all=1&filters=%7B%7D", "",
       [](Client& c) { return StatusOf(c.ListContainers(Limit(), {})); }},
      {"Inspect", "GET /v1.41/containers/a%2Fb/json", "",
       [](Client& c) { return StatusOf(c.InspectContainer(Limit(), "a/b")); }},
      {"Create", "POST /v1.41/containers/create?name=k8s_a_b",
       R"({"Image":"i","Healthcheck":{"Test":["NONE"]},
           "HostConfig":{"RestartPolicy":{"Name":"no"}}})",
       [](Client& c) {
         ContainerSpec spec;
         spec.image = "i";
         return StatusOf(c.CreateContainer(Limit(), "k8s_a_b", spec));
       }},
      {"Start", "POST /v1.41/containers/c/start", "",
       [](Client& c) { return c.StartContainer(Limit(), "c"); }},
      {"Stop", "POST /v1.41/containers/c/stop?t=30", "",
       [](Client& c) { return c.StopContainer(Limit(), "c", std::chrono::seconds(30)); }},
      {"Kill", "POST /v1.41/containers/c/kill?signal=SIGRTMIN%2B3", "",
       [](Client& c) { return c.KillContainer(Limit(), "c", "SIGRTMIN+3"); }},
      {"Remove", "DELETE /v1.41/containers/c?v=1&force=0", "",
       [](Client& c) { return c.RemoveContainer(Limit(), "c", false); }},
      {"RemoveForced", "DELETE /v1.41/containers/c?v=1&force=1", "",
       [](Client& c) { return c.RemoveContainer(Limit(), "c", true); }},
      {"Rename", "POST /v1.41/containers/c/rename?name=new", "",
       [](Client& c) { return c.RenameContainer(Limit(), "c", "new"); }},
      {"Update", "POST /v1.41/containers/c/update",
       R"({"Memory":5,"MemorySwap":-1,"CpuShares":2,"CpuPeriod":3,"CpuQuota":-1,
           "CpusetCpus":"0-1","CpusetMems":"0","PidsLimit":0})",
       [](Client& c) { return c.UpdateContainer(Limit(), "c", {5, -1, 2, 3, -1, "0-1", "0", 0}); }},
      {"Wait", "POST /v1.41/containers/c/wait?condition=not-running", "",
       [](Client& c) { return StatusOf(c.WaitContainer(Limit(), "c")); }},
      {"Attach",
       "POST "
       "/v1.41/containers/c/attach?stream=1&stdin=1&stdout=0&stderr=1&logs=0&detachKeys=ctrl-%40",
       "",
       [](Client& c) {
         return StatusOf(c.AttachContainer(Limit(), "c", {true, false, true, false, "ctrl-@"}));
       }},
      {"Resize", "POST /v1.41/containers/c/resize?h=24&w=80", "",
       [](Client& c) { return c.ResizeContainer(Limit(), "c", 24, 80); }},
      {"Logs", "GET /v1.41/containers/c/logs?stdout=1&stderr=1&follow=0&timestamps=1", "",
       [](Client& c) {
         return c.StreamLogs(Limit(), "c", true, {}, [](OutputStream, auto) { return true; });
       }},
      {"LogsSince",
       "GET "
       "/v1.41/containers/c/logs?stdout=1&stderr=1&follow=1&timestamps=0&since=1.000000002",
       "",
       [](Client& c) {
         return c.StreamLogs(Limit(), "c", true, {true, false, 1'000'000'002},
                             [](OutputStream, auto) { return true; });
       }},
      {"CreateExec", "POST /v1.41/containers/c/exec",
       R"({"Cmd":["sh","-c","x"],"AttachStdin":true,"AttachStdout":true,"AttachStderr":false,
           "Tty":true,"Env":["A=b"],"User":"1:2","WorkingDir":"/w","DetachKeys":"ctrl-@","Privileged":true})",
       [](Client& c) {
         return StatusOf(c.CreateExec(
             Limit(), "c",
             {{"sh", "-c", "x"}, {"A=b"}, "1:2", "/w", "ctrl-@", true, true, true, false, true}));
       }},
      {"StartExec", "POST /v1.41/exec/e/start", R"({"Detach":false,"Tty":true})",
       [](Client& c) { return StatusOf(c.StartExec(Limit(), "e", true)); }},
      {"InspectExec", "GET /v1.41/exec/e/json", "",
       [](Client& c) { return StatusOf(c.InspectExec(Limit(), "e")); }},
      {"ResizeExec", "POST /v1.41/exec/e/resize?h=1&w=2", "",
       [](Client& c) { return c.ResizeExec(Limit(), "e", 1, 2); }},
      {"ListImages", "GET /v1.41/images/json?digests=1", "",
       [](Client& c) { return StatusOf(c.ListImages(Limit())); }},
      {"InspectImage", "GET /v1.41/images/r.io%2Fa%3A1/json", "",
       [](Client& c) { return StatusOf(c.InspectImage(Limit(), "r.io/a:1")); }},
      {"Pull", "POST /v1.41/images/create?fromImage=r.io%2Fa%3A1&platform=linux%2Farm64", "",
       [](Client& c) {
         return c.PullImage(Limit(), {"r.io/a:1", "linux/arm64", {}}, [](const Progress&) {});
       }},
      {"Tag", "POST /v1.41/images/a/tag?repo=r.io%2Fb&tag=1", "",
       [](Client& c) { return c.TagImage(Limit(), "a", "r.io/b", "1"); }},
      {"RemoveImage", "DELETE /v1.41/images/a", "",
       [](Client& c) { return c.RemoveImage(Limit(), "a", false); }},
      {"RemoveImageForced", "DELETE /v1.41/images/a?force=1", "",
       [](Client& c) { return c.RemoveImage(Limit(), "a", true); }},
  };
}

/// An answer that fits every call.
constexpr const char* kAnyAnswer =
    R"({"Id":"x","ID":"x","ApiVersion":"1.41","StatusCode":0,"Running":false})";

class Requests : public testing::TestWithParam<Case> {};

TEST_P(Requests, AreGolden) {
  FakeEngine engine;
  for (const auto* method : {"GET", "POST", "DELETE"}) engine.Answer(method, "*", kAnyAnswer);
  for (const auto* list : {"/containers/json", "/images/json"}) engine.Answer("GET", list, "[]");
  // Pings of the negotiation are not among the requests, so that this one is in another form.
  bool pinged = false;
  engine.On("GET", "/_ping", [&](const EngineRequest& request, EngineReply& reply) {
    pinged = request.target == "/v1.41/_ping";
    reply.Raw("HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nContent-Length: 2\r\n\r\nOK");
  });
  Client client({.socket_path = engine.Socket()});
  const auto status = GetParam().call(client);
  ASSERT_TRUE(status) << status.error().message;
  if (std::string(GetParam().name) == "Ping") {
    EXPECT_TRUE(pinged);
    return;
  }
  const auto request = engine.Request();
  EXPECT_EQ(request.method + " " + request.target, GetParam().request);
  EXPECT_EQ(request.Header("Host"), "docker");
  const std::string body = GetParam().body;
  if (body.empty()) {
    EXPECT_EQ(request.body, "");
    EXPECT_EQ(request.Header("Content-Type"), "");
  } else {
    EXPECT_EQ(json::parse(request.body), json::parse(body)) << request.body;
    EXPECT_EQ(request.Header("Content-Type"), "application/json");
  }
  // Without it dockerd would wait for a chunked body.
  if (request.method == "POST") {
    EXPECT_EQ(request.Header("Content-Length"), std::to_string(request.body.size()));
  }
}

INSTANTIATE_TEST_SUITE_P(All, Requests, testing::ValuesIn(Cases()),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(ContainerSpecJson, Full) {
  ContainerSpec spec;
  spec.hostname = "h";
  spec.domainname = "d";
  spec.user = "1:2";
  spec.image = "i";
  spec.working_dir = "/w";
  spec.stop_signal = "SIGINT";
  spec.environment = {"A=b"};
  spec.entrypoint = {{"/e"}};
  spec.command = std::vector<std::string>();
  spec.labels = {{"l", "v"}};
  spec.exposed_ports = {"80/tcp"};
  spec.tty = spec.open_stdin = spec.stdin_once = true;
  spec.disable_healthcheck = false;
  auto& host = spec.host;
  host.resources = {1, -1, 2, 3, 4, "0", "1", -1};
  host.cgroup_parent = "/p";
  host.network_mode = "container:x";
  host.ipc_mode = "shareable";
  host.pid_mode = "host";
  host.uts_mode = "host";
  host.userns_mode = "host";
  host.cgroupns_mode = "private";
  host.binds = {"/a:/b"};
  host.mounts = {{"bind", "/s", "/t", true, "rslave", true, true, true, ""},
                 {"image", "i", "/i", false, "", false, false, false, "p"},
                 {"tmpfs", "", "/tmp", false, "", false, false, false, ""}};
  host.port_bindings = {{80, "tcp", "127.0.0.1", 8080}, {80, "tcp", "::1", 0}, {53, "udp", "", 53}};
  host.devices = {{"/dev/a", "/dev/b", "rw"}};
  host.device_requests = {{"cdi", {"v/c=d"}}};
  host.ulimits = {{"nofile", 1, 2}};
  host.cap_add = {"A"};
  host.cap_drop = {"B"};
  host.security_opt = {"no-new-privileges"};
  host.group_add = {"5"};
  host.dns = {"1.1.1.1"};
  host.dns_search = {"s"};
  host.dns_options = {"o"};
  host.extra_hosts = {"h:1.2.3.4"};
  host.sysctls = {{"k", "v"}};
  host.annotations = {{"a", "b"}};
  host.tmpfs = {{"/run", "size=1"}};
  host.runtime = "r";
  host.log_driver = "json-file";
  host.log_options = {{"max-size", "10m"}};
  host.shm_size_bytes = 64;
  host.oom_score_adj = -5;
  host.privileged = host.read_only_rootfs = true;
  host.masked_paths = std::vector<std::string>();
  host.readonly_paths = {{"/proc/sys"}};
  EXPECT_EQ(json::parse(ToJson(spec)), json::parse(R"({
    "Hostname":"h","Domainname":"d","User":"1:2","Image":"i","WorkingDir":"/w",
    "StopSignal":"SIGINT","Env":["A=b"],"Entrypoint":["/e"],"Cmd":[],"Labels":{"l":"v"},
    "ExposedPorts":{"80/tcp":{}},"Tty":true,"OpenStdin":true,"StdinOnce":true,
    "HostConfig":{"RestartPolicy":{"Name":"no"},
      "Memory":1,"MemorySwap":-1,"CpuShares":2,"CpuPeriod":3,"CpuQuota":4,"CpusetCpus":"0",
      "CpusetMems":"1","PidsLimit":-1,"CgroupParent":"/p","NetworkMode":"container:x",
      "IpcMode":"shareable","PidMode":"host","UTSMode":"host","UsernsMode":"host",
      "CgroupnsMode":"private","Binds":["/a:/b"],
      "Mounts":[{"Type":"bind","Source":"/s","Target":"/t","ReadOnly":true,
                 "BindOptions":{"Propagation":"rslave","NonRecursive":true,
                                "ReadOnlyNonRecursive":true,"ReadOnlyForceRecursive":true}},
                {"Type":"image","Source":"i","Target":"/i","ImageOptions":{"Subpath":"p"}},
                {"Type":"tmpfs","Target":"/tmp"}],
      "PortBindings":{"80/tcp":[{"HostIp":"127.0.0.1","HostPort":"8080"},
                                {"HostIp":"::1","HostPort":""}],
                      "53/udp":[{"HostIp":"","HostPort":"53"}]},
      "Devices":[{"PathOnHost":"/dev/a","PathInContainer":"/dev/b","CgroupPermissions":"rw"}],
      "DeviceRequests":[{"Driver":"cdi","DeviceIDs":["v/c=d"]}],
      "Ulimits":[{"Name":"nofile","Soft":1,"Hard":2}],"CapAdd":["A"],"CapDrop":["B"],
      "SecurityOpt":["no-new-privileges"],"GroupAdd":["5"],"Dns":["1.1.1.1"],"DnsSearch":["s"],
      "DnsOptions":["o"],"ExtraHosts":["h:1.2.3.4"],"Sysctls":{"k":"v"},"Annotations":{"a":"b"},
      "Tmpfs":{"/run":"size=1"},"Runtime":"r",
      "LogConfig":{"Type":"json-file","Config":{"max-size":"10m"}},"ShmSize":64,"OomScoreAdj":-5,
      "Privileged":true,"ReadonlyRootfs":true,"MaskedPaths":[],"ReadonlyPaths":["/proc/sys"]}})"));
}

TEST(ContainerSpecJson, BadUtf8IsReplaced) {
  ContainerSpec spec;
  spec.environment = {"A=\xff"};
  EXPECT_EQ(json::parse(ToJson(spec))["Env"][0], "A=\xef\xbf\xbd");
}

TEST(Load, SendsTheArchive) {
  FakeEngine engine;
  engine.Answer("POST", "/images/load", R"({"stream":"Loaded image: x\n"})");
  Client client({.socket_path = engine.Socket()});
  std::string archive(300000, '\0');
  archive[5] = '\xff';
  ASSERT_TRUE(client.LoadImage(Limit(), archive));
  const auto request = engine.Request();
  EXPECT_EQ(request.target, "/v1.41/images/load?quiet=1");
  EXPECT_EQ(request.Header("Content-Type"), "application/x-tar");
  EXPECT_EQ(request.body, archive);
}

TEST(Pull, CredentialsAsDockerWantsThem) {
  FakeEngine engine;
  engine.Answer("POST", "/images/create", "");
  Client client({.socket_path = engine.Socket()});
  const PullOptions options{"a", "", RegistryAuth{"me", "s\xc3\xa9", "r.io", "", ""}};
  ASSERT_TRUE(client.PullImage(Limit(), options, [](const Progress&) {}));
  std::string header = engine.Request().Header("X-Registry-Auth");
  EXPECT_EQ(header, RegistryAuthHeader(*options.auth));
  EXPECT_EQ(header.size() % 4, 0U);
  std::replace(header.begin(), header.end(), '-', '+');
  std::replace(header.begin(), header.end(), '_', '/');
  EXPECT_EQ(json::parse(*base::Base64Decode(header)),
            json::parse(R"({"username":"me","password":"sé","serveraddress":"r.io"})"));
}

TEST(Hijack, AsksForAnUpgrade) {
  FakeEngine engine;
  Client client({.socket_path = engine.Socket()});
  EXPECT_FALSE(client.StartExec(Limit(), "e", false));
  EXPECT_EQ(engine.Request().Header("Connection"), "Upgrade");
  EXPECT_EQ(engine.Request().Header("Upgrade"), "tcp");
}

TEST(UrlEncode, LeavesOnlyTheUnreserved) {
  EXPECT_EQ(UrlEncode("aZ09-_.~"), "aZ09-_.~");
  EXPECT_EQ(UrlEncode("a b+/?&=%\n\xff"), "a%20b%2B%2F%3F%26%3D%25%0A%FF");
}

}  // namespace
}  // namespace dockershimd::dockerapi
