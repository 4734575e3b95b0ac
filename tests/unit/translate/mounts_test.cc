#include "shim/translate/mounts.h"

#include <gmock/gmock.h>

#include "cases.h"

namespace dockershimd::shim::translate {
namespace {

using base::Code;
using base::Result;
using nlohmann::json;
using runtime::v1::ContainerConfig;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using namespace testing_support;

Result<dockerapi::HostConfig> Apply(const std::string& text, const EngineView& engine,
                                    const SubMounts& sub_mounts = {}) {
  const auto config = Parse<ContainerConfig>(text);
  dockerapi::HostConfig host;
  auto applied = ApplyMounts(config.mounts(), sub_mounts, engine, &host);
  if (applied) applied = ApplyDevices(config, engine, &host);
  if (!applied) return base::Fail(applied.error());
  return host;
}

std::string Mount(const std::string& more, const std::string& source = "host_path: '/h' ") {
  return "mounts { container_path: '/c' " + source + more + " }";
}

/// HostConfig.Mounts or Binds as Docker gets them.
json Sent(const std::string& text, const EngineView& engine) {
  auto host = Apply(text, engine);
  if (!host) {
    ADD_FAILURE() << text << ": " << host.error().message;
    return {};
  }
  dockerapi::ContainerSpec spec;
  spec.host = *host;
  auto sent = BodyOf(spec)["HostConfig"];
  sent.erase("RestartPolicy");
  return sent;
}

EngineView WithoutSelinux() {
  auto engine = NewEngine();
  engine.features.selinux = false;
  return engine;
}

TEST(Mounts, OnNewEngines) {
  const std::vector<std::pair<std::string, std::string>> rows = {
      {Mount(""), R"({"Type": "bind", "Source": "/h", "Target": "/c"})"},
      {Mount("readonly: true"),
       R"({"Type": "bind", "Source": "/h", "Target": "/c", "ReadOnly": true,
           "BindOptions": {"ReadOnlyNonRecursive": true}})"},
      {Mount("readonly: true recursive_read_only: true"),
       R"({"Type": "bind", "Source": "/h", "Target": "/c", "ReadOnly": true,
           "BindOptions": {"Propagation": "rprivate", "ReadOnlyForceRecursive": true}})"},
      {Mount("propagation: PROPAGATION_HOST_TO_CONTAINER"),
       R"({"Type": "bind", "Source": "/h", "Target": "/c", "BindOptions": {"Propagation": "rslave"}})"},
      {Mount("propagation: PROPAGATION_BIDIRECTIONAL"),
       R"({"Type": "bind", "Source": "/h", "Target": "/c", "BindOptions": {"Propagation": "rshared"}})"},
      {Mount("image { image: 'app' }", ""),
       R"({"Type": "image", "Source": "docker.io/library/app:latest", "Target": "/c", "ReadOnly": true})"},
      {Mount("image { image: 'r.io/app:2' } image_sub_path: 'a/b' readonly: true "
             "recursive_read_only: true",
             ""),
       R"({"Type": "image", "Source": "r.io/app:2", "Target": "/c", "ReadOnly": true,
           "ImageOptions": {"Subpath": "a/b"}})"},
      {Mount("image { image: 'r.io/app:2' } selinux_relabel: true", ""),
       R"({"Type": "image", "Source": "r.io/app:2", "Target": "/c", "ReadOnly": true})"},
      // An image message without a name is none.
      {Mount("image {}"), R"({"Type": "bind", "Source": "/h", "Target": "/c"})"},
  };
  for (const auto& [text, sent] : rows) {
    EXPECT_EQ(Sent(text, NewEngine()), (json{{"Mounts", {json::parse(sent)}}})) << text;
  }
}

TEST(Mounts, OldEnginesKnowNoRecursion) {
  EXPECT_EQ(Sent(Mount("readonly: true"), OldEngine()),
            json::parse(R"({"Mounts": [{"Type": "bind", "Source": "/h", "Target": "/c",
                            "ReadOnly": true}]})"));
}

TEST(Mounts, Relabelling) {
  const std::vector<std::pair<std::string, std::string>> rows = {
      {"selinux_relabel: true", "/h:/c:rw,Z"},
      {"selinux_relabel: true readonly: true", "/h:/c:ro,Z"},
      {"selinux_relabel: true propagation: PROPAGATION_HOST_TO_CONTAINER", "/h:/c:rw,Z,rslave"},
  };
  for (const auto& [text, bind] : rows) {
    EXPECT_EQ(Sent(Mount(text), NewEngine()), (json{{"Binds", {bind}}})) << text;
  }
  auto old = OldEngine();
  old.features.selinux = true;
  EXPECT_EQ(Sent(Mount("selinux_relabel: true"), old), (json{{"Binds", {"/h:/c:rw,Z"}}}));
  EXPECT_EQ(
      Sent(Mount("selinux_relabel: true readonly: true recursive_read_only: true"), NewEngine()),
      (json{{"Binds", {"/h:/c:ro,Z,rprivate"}}}));
  EXPECT_EQ(Sent(Mount("selinux_relabel: true"), WithoutSelinux())["Mounts"][0]["Source"], "/h");
}

TEST(Mounts, AllOfThemInOrder) {
  const auto host = Apply(
      "mounts { host_path: '/a' container_path: '/1' }"
      "mounts { host_path: '/b' container_path: '/2' selinux_relabel: true }"
      "mounts { host_path: '/c' container_path: '/3' }",
      NewEngine());
  ASSERT_TRUE(host);
  ASSERT_EQ(host->mounts.size(), 2U);
  EXPECT_EQ(host->mounts[0].source, "/a");
  EXPECT_EQ(host->mounts[1].source, "/c");
  EXPECT_THAT(host->binds, ElementsAre("/b:/2:rw,Z"));
}

void ExpectRefused(const std::string& text, const EngineView& engine, Code code,
                   const std::string& message) {
  const auto host = Apply(text, engine);
  ASSERT_FALSE(host) << text;
  EXPECT_EQ(host.error().code, code) << text;
  EXPECT_THAT(host.error().message, HasSubstr(message)) << text;
}

TEST(Mounts, Refused) {
  const auto refused = [](const std::string& text, Code code, const std::string& message) {
    ExpectRefused(text, NewEngine(), code, message);
  };
  refused("mounts { host_path: '/h' }", Code::kInvalidArgument,
          "mounts: container_path is empty (host_path '/h')");
  refused(Mount("image { image: 'app' }"), Code::kInvalidArgument, "mounts[/c].host_path");
  refused(Mount("image_sub_path: 'x'"), Code::kInvalidArgument, "mounts[/c].image_sub_path");
  refused(Mount("image { image: 'NO GOOD' }", ""), Code::kInvalidArgument,
          "mounts[/c]: image.image");
  refused(Mount("uidMappings { length: 1 }"), Code::kUnimplemented, "mounts[/c].uidMappings");
  refused(Mount("gidMappings { length: 1 }"), Code::kUnimplemented, "mounts[/c].uidMappings");
  refused(Mount("mount_options: 'noexec'"), Code::kUnimplemented, "mounts[/c].mount_options");
  refused(Mount("recursive_read_only: true"), Code::kInvalidArgument, "needs readonly");
  refused(Mount("readonly: true recursive_read_only: true propagation: PROPAGATION_BIDIRECTIONAL"),
          Code::kInvalidArgument, "needs PROPAGATION_PRIVATE");
  refused(Mount("propagation: 8"), Code::kInvalidArgument,
          "mounts[/c].propagation: unknown value 8");
  refused(Mount("selinux_relabel: true propagation: 8"), Code::kInvalidArgument, "unknown value 8");
  refused("mounts { container_path: '/c' host_path: '/h:x' selinux_relabel: true }",
          Code::kInvalidArgument, "mounts[/c].selinux_relabel");
  refused("mounts { container_path: '/c:x' host_path: '/h' selinux_relabel: true }",
          Code::kInvalidArgument, "mounts[/c:x].selinux_relabel");
}

TEST(Mounts, RefusedByOldEngines) {
  ExpectRefused(
      Mount("image { image: 'app' }", ""), OldEngine(), Code::kUnimplemented,
      "mounts[/c].image: image volumes need Docker API 1.48 (Docker 28), this engine speaks 1.41");
  // The text form cannot say it either.
  auto engine = OldEngine();
  engine.features.selinux = true;
  ExpectRefused(Mount("readonly: true recursive_read_only: true selinux_relabel: true"), engine,
                Code::kUnimplemented, "recursive_read_only");
}

TEST(Mounts, ReadOnlyWithAllBelowOnOldEngines) {
  const SubMounts below = {{"/h", {"/h/a", "/h/b/c"}}, {"/other", {"/other/d"}}};
  const auto row = [](const char* source, const char* target) {
    return json{{"Type", "bind"},
                {"Source", source},
                {"Target", target},
                {"ReadOnly", true},
                {"BindOptions", {{"Propagation", "rprivate"}, {"NonRecursive", true}}}};
  };
  const auto sent = [&](const std::string& text, const EngineView& engine) {
    const auto host = Apply(text, engine, below);
    EXPECT_TRUE(host) << host.error().message;
    dockerapi::ContainerSpec spec;
    spec.host = host.value_or(dockerapi::HostConfig());
    return json::parse(dockerapi::ToJson(spec))["HostConfig"]["Mounts"];
  };
  const auto recursive = Mount("readonly: true recursive_read_only: true");
  EXPECT_EQ(sent(recursive, OldEngine()),
            (json{row("/h", "/c"), row("/h/a", "/c/a"), row("/h/b/c", "/c/b/c")}));
  EXPECT_EQ(
      sent(Mount("readonly: true recursive_read_only: true", "host_path: '/alone' "), OldEngine()),
      json::array({row("/alone", "/c")}));
  // Newer engines do it by themselves, and other mounts are recursive anyway.
  EXPECT_EQ(sent(recursive, NewEngine()).size(), 1U);
  EXPECT_EQ(sent(Mount("readonly: true"), OldEngine()).size(), 1U);
  const SubMounts root = {{"/", {"/proc"}}};
  const auto host = Apply(Mount("readonly: true recursive_read_only: true", "host_path: '/' "),
                          OldEngine(), root);
  ASSERT_TRUE(host) << host.error().message;
  EXPECT_EQ(host->mounts.at(1).target, "/c/proc");
}

TEST(Devices, Sent) {
  EXPECT_EQ(Sent("devices { host_path: '/dev/a' container_path: '/dev/b' permissions: 'rw' }"
                 "devices { host_path: '/dev/c' }",
                 OldEngine()),
            json::parse(R"({"Devices": [
              {"PathOnHost": "/dev/a", "PathInContainer": "/dev/b", "CgroupPermissions": "rw"},
              {"PathOnHost": "/dev/c", "PathInContainer": "/dev/c", "CgroupPermissions": "rwm"}]})"));
  ExpectRefused("devices { container_path: '/dev/b' }", NewEngine(), Code::kInvalidArgument,
                "devices: host_path is empty (container_path '/dev/b')");
  ExpectRefused("devices { host_path: '/dev/a' permissions: 'rx' }", NewEngine(),
                Code::kInvalidArgument, "devices[/dev/a].permissions: 'rx'");
  ExpectRefused("devices { host_path: '/dev/a' permissions: '_' }", NewEngine(),
                Code::kInvalidArgument, "devices[/dev/a].permissions: '_'");
}

TEST(CdiDevices, FieldAndAnnotations) {
  const auto names = [](const std::string& text, const EngineView& engine = NewEngine()) {
    const auto host = Apply(text, engine);
    if (!host || host->device_requests.empty()) return std::vector<std::string>();
    EXPECT_EQ(host->device_requests.size(), 1U);
    EXPECT_EQ(host->device_requests[0].driver, "cdi");
    return host->device_requests[0].device_ids;
  };
  EXPECT_THAT(names(""), IsEmpty());
  EXPECT_THAT(names("CDI_devices { name: 'v/c=0' } CDI_devices { name: 'v/c=1' }"),
              ElementsAre("v/c=0", "v/c=1"));
  EXPECT_THAT(names("annotations { key: 'cdi.k8s.io/b' value: 'v/c=3' }"
                    "annotations { key: 'cdi.k8s.io/a' value: 'v/c=1,v/c=2,' }"
                    "annotations { key: 'other' value: 'v/c=9' }"),
              ElementsAre("v/c=1", "v/c=2", "v/c=3"));
  EXPECT_THAT(names("CDI_devices { name: 'v/c=2' }"
                    "annotations { key: 'cdi.k8s.io/a' value: 'v/c=1,v/c=2' }"),
              ElementsAre("v/c=2", "v/c=1"));
  // Without CDI an annotation is only that.
  EXPECT_THAT(names("annotations { key: 'cdi.k8s.io/a' value: 'v/c=1' }", OldEngine()), IsEmpty());
  ExpectRefused("CDI_devices { name: 'v/c=0' }", OldEngine(), Code::kUnimplemented,
                "CDI_devices: this engine (API 1.41)");
}

}  // namespace
}  // namespace dockershimd::shim::translate
