#include "shim/translate/security.h"

#include <gmock/gmock.h>

#include "cases.h"

namespace dockershimd::shim::translate {
namespace {

using base::Code;
using base::Result;
using nlohmann::json;
using runtime::v1::LinuxContainerSecurityContext;
using runtime::v1::SecurityProfile;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using namespace testing_support;

Result<std::string> ReadProfile(const std::string& path) {
  if (path == "/profiles/a.json") return "{\"a\":1}";
  return base::Fail(Code::kNotFound, "no file {}", path);
}

Result<dockerapi::ContainerSpec> Apply(const std::string& text,
                                       const EngineView& engine = NewEngine(),
                                       const ImageAccounts* accounts = nullptr) {
  const auto security = Parse<LinuxContainerSecurityContext>(text);
  dockerapi::ContainerSpec spec;
  const auto applied = ApplyContainerSecurity(security, engine, accounts, ReadProfile, &spec);
  if (!applied) return base::Fail(applied.error());
  return spec;
}

json Minimal() {
  return json::parse(R"({
    "Image": "", "Healthcheck": {"Test": ["NONE"]},
    "HostConfig": {"RestartPolicy": {"Name": "no"}, "SecurityOpt": ["seccomp=unconfined"],
                   "MaskedPaths": [], "ReadonlyPaths": []}})");
}

TEST(Security, Honoured) {
  const std::vector<Row> rows = {
      {"", "{}"},
      {"run_as_user { value: 5 }", R"({"User": "5"})"},
      {"run_as_user { value: 0 }", R"({"User": "0"})"},
      {R"(run_as_username: "www-data")", R"({"User": "www-data"})"},
      {R"(run_as_user { value: 5 } run_as_username: "x")", R"({"User": "5"})"},
      {"run_as_user { value: 5 } run_as_group { value: 6 }", R"({"User": "5:6"})"},
      {R"(run_as_username: "me" run_as_group { value: 0 })", R"({"User": "me:0"})"},
      {"supplemental_groups: [3, 4]", R"({"HostConfig": {"GroupAdd": ["3", "4"]}})"},
      {"readonly_rootfs: true", R"({"HostConfig": {"ReadonlyRootfs": true}})"},
      {"no_new_privs: true",
       R"({"HostConfig": {"SecurityOpt": ["no-new-privileges", "seccomp=unconfined"]}})"},
      {R"(masked_paths: "/proc/a" readonly_paths: "/proc/b")",
       R"({"HostConfig": {"MaskedPaths": ["/proc/a"], "ReadonlyPaths": ["/proc/b"]}})"},
      {R"(selinux_options { user: "u" role: "r" type: "t" level: "s0" })",
       R"({"HostConfig": {"SecurityOpt": ["label=user:u", "label=role:r", "label=type:t",
                                          "label=level:s0", "seccomp=unconfined"]}})"},
      {"seccomp { profile_type: RuntimeDefault }", R"({"HostConfig": {"SecurityOpt": null}})"},
      {R"(seccomp_profile_path: "runtime/default")", R"({"HostConfig": {"SecurityOpt": null}})"},
      {R"(seccomp { profile_type: Unconfined } seccomp_profile_path: "runtime/default")", "{}"},
      {R"(apparmor { profile_type: Localhost localhost_ref: "mine" })",
       R"({"HostConfig": {"SecurityOpt": ["apparmor=mine", "seccomp=unconfined"]}})"},
      {R"(apparmor_profile: "localhost/mine")",
       R"({"HostConfig": {"SecurityOpt": ["apparmor=mine", "seccomp=unconfined"]}})"},
      {R"(apparmor { profile_type: Unconfined } apparmor_profile: "localhost/mine")",
       R"({"HostConfig": {"SecurityOpt": ["apparmor=unconfined", "seccomp=unconfined"]}})"},
      // Privileged: no filter, all capabilities, nothing hidden; a local AppArmor profile counts.
      {R"(privileged: true masked_paths: "/x" capabilities { add_capabilities: "CHOWN" }
          seccomp { profile_type: RuntimeDefault } readonly_rootfs: true
          selinux_options { type: "t" }
          apparmor { profile_type: Localhost localhost_ref: "mine" })",
       R"({"HostConfig": {"Privileged": true, "ReadonlyRootfs": true, "MaskedPaths": null,
           "ReadonlyPaths": null, "SecurityOpt": ["label=type:t", "apparmor=mine"]}})"},
  };
  for (const auto& row : rows) {
    const auto spec = Apply(row.config);
    ASSERT_TRUE(spec) << row.config << ": " << spec.error().message;
    auto expected = Minimal();
    expected.merge_patch(json::parse(row.patch));
    EXPECT_EQ(BodyOf(*spec), expected) << row.config;
  }
}

TEST(Security, Refused) {
  const std::vector<Refusal> rows = {
      {"run_as_group { value: 5 }", Code::kInvalidArgument, "run_as_group: needs"},
      {"run_as_user { value: -1 }", Code::kInvalidArgument, "run_as_user: -1"},
      {R"(capabilities { add_ambient_capabilities: "CHOWN" })", Code::kUnimplemented,
       "add_ambient_capabilities"},
      {R"(seccomp_profile_path: "odd")", Code::kInvalidArgument,
       "security_context.seccomp: unknown profile 'odd'"},
      {R"(apparmor_profile: "odd")", Code::kInvalidArgument,
       "security_context.apparmor: unknown profile 'odd'"},
      {R"(privileged: true apparmor_profile: "odd")", Code::kInvalidArgument, "apparmor"},
  };
  for (const auto& row : rows) {
    const auto spec = Apply(row.config);
    ASSERT_FALSE(spec) << row.config;
    EXPECT_EQ(spec.error().code, row.code) << row.config;
    EXPECT_THAT(spec.error().message, HasSubstr(row.message));
  }
}

TEST(Security, AccountsMakeNumbers) {
  const ImageAccounts accounts{"", "me:x:7:8::/:/bin/sh\n", "g:x:9:me\n"};
  const auto spec = Apply("supplemental_groups: 3 run_as_username: 'me'", NewEngine(), &accounts);
  ASSERT_TRUE(spec);
  EXPECT_EQ(spec->user, "7:8");
  EXPECT_THAT(spec->host.group_add, ElementsAre("9", "3"));
  const auto unknown = Apply("run_as_username: 'you'", NewEngine(), &accounts);
  ASSERT_FALSE(unknown);
  EXPECT_THAT(unknown.error().message, HasSubstr("no user 'you'"));
}

// What is left after CRI's order (ALL first, then add, then drop), in Docker's lists.
TEST(Capabilities, CriOrder) {
  struct Case {
    std::string add, drop;
    std::vector<std::string> docker_add, docker_drop;
  };
  const std::vector<Case> cases = {
      {"'NET_ADMIN'", "'CHOWN'", {"NET_ADMIN"}, {"CHOWN"}},
      {"'cap_net_admin'", "'CAP_Chown'", {"NET_ADMIN"}, {"CHOWN"}},
      {"'ALL'", "", {"ALL"}, {}},
      {"", "'all'", {}, {"ALL"}},
      {"'ALL'", "'CHOWN'", {"ALL"}, {"CHOWN"}},
      {"'CHOWN'", "'ALL'", {"CHOWN"}, {"ALL"}},
      {"'ALL', 'CHOWN'", "'ALL'", {"CHOWN"}, {"ALL"}},
      {"'CHOWN', 'KILL'", "'ALL', 'CAP_CHOWN'", {"KILL"}, {"ALL", "CHOWN"}},
      {"'CHOWN'", "'CHOWN'", {}, {"CHOWN"}},
  };
  for (const auto& c : cases) {
    const auto spec = Apply("capabilities { add_capabilities: [" + c.add +
                            "] drop_capabilities: [" + c.drop + "] }");
    ASSERT_TRUE(spec);
    EXPECT_EQ(spec->host.cap_add, c.docker_add) << c.add << " - " << c.drop;
    EXPECT_EQ(spec->host.cap_drop, c.docker_drop) << c.add << " - " << c.drop;
  }
}

struct ProfileCase {
  std::string profile;  ///< empty: none
  std::string deprecated;
  std::vector<std::string> options;
  std::string error = {};
  Code code = Code::kInvalidArgument;
};

const SecurityProfile* Pointer(const std::string& text, SecurityProfile* holder) {
  if (text.empty()) return nullptr;
  *holder = Parse<SecurityProfile>(text);
  return holder;
}

template <class Options>
void ExpectProfiles(const std::vector<ProfileCase>& cases, const Options& options_of) {
  for (const auto& c : cases) {
    SecurityProfile holder;
    const Result<std::vector<std::string>> options =
        options_of(Pointer(c.profile, &holder), c.deprecated);
    const std::string name = c.profile + "|" + c.deprecated;
    if (c.error.empty()) {
      ASSERT_TRUE(options) << name << ": " << options.error().message;
      EXPECT_EQ(*options, c.options) << name;
    } else {
      ASSERT_FALSE(options) << name;
      EXPECT_EQ(options.error().code, c.code) << name;
      EXPECT_THAT(options.error().message, HasSubstr(c.error));
      EXPECT_THAT(options.error().message, HasSubstr("my.field"));
    }
  }
}

TEST(Seccomp, BothGenerations) {
  const auto engine = NewEngine();
  ExpectProfiles(
      {
          {"", "", {"seccomp=unconfined"}},
          {"", "unconfined", {"seccomp=unconfined"}},
          {"", "runtime/default", {}},
          {"", "docker/default", {}},
          {"", "localhost//profiles/a.json", {"seccomp={\"a\":1}"}},
          {"profile_type: RuntimeDefault", "unconfined", {}},
          {"profile_type: Unconfined", "runtime/default", {"seccomp=unconfined"}},
          {"profile_type: Localhost localhost_ref: '/profiles/a.json'", "", {"seccomp={\"a\":1}"}},
          {"profile_type: Localhost localhost_ref: 'localhost//profiles/a.json'",
           "",
           {"seccomp={\"a\":1}"}},
          {"profile_type: Localhost localhost_ref: 'a.json'", "", {}, "not an absolute path"},
          {"profile_type: Localhost localhost_ref: '/no'", "", {}, "no file /no", Code::kNotFound},
          {"profile_type: Localhost", "", {}, "localhost_ref"},
          {"profile_type: Localhost localhost_ref: 'localhost/'", "", {}, "localhost_ref"},
          {"profile_type: RuntimeDefault localhost_ref: '/x'", "", {}, "localhost_ref"},
          {"profile_type: 7", "", {}, "profile_type: unknown value 7"},
          {"", "localhost/", {}, "localhost_ref"},
          {"", "default", {}, "unknown profile 'default'"},
      },
      [&](const SecurityProfile* profile, const std::string& deprecated) {
        return SeccompOptions(profile, deprecated, engine, ReadProfile, "my.field");
      });
}

TEST(Seccomp, EngineWithout) {
  const auto engine = OldEngine();
  ExpectProfiles(
      {
          {"", "", {"seccomp=unconfined"}},
          {"profile_type: Unconfined", "", {"seccomp=unconfined"}},
          {"profile_type: RuntimeDefault", "", {}, "no seccomp ", Code::kFailedPrecondition},
          {"", "localhost//profiles/a.json", {}, "no seccomp ", Code::kFailedPrecondition},
      },
      [&](const SecurityProfile* profile, const std::string& deprecated) {
        return SeccompOptions(profile, deprecated, engine, ReadProfile, "my.field");
      });
}

TEST(AppArmor, BothGenerations) {
  const auto engine = NewEngine();
  ExpectProfiles(
      {
          {"", "", {}},
          {"", "runtime/default", {}},
          {"", "unconfined", {"apparmor=unconfined"}},
          {"", "localhost/mine", {"apparmor=mine"}},
          {"profile_type: RuntimeDefault", "unconfined", {}},
          {"profile_type: Unconfined", "", {"apparmor=unconfined"}},
          {"profile_type: Localhost localhost_ref: 'mine'", "", {"apparmor=mine"}},
          {"profile_type: Localhost localhost_ref: 'localhost/mine'", "", {"apparmor=mine"}},
          {"profile_type: Localhost", "", {}, "localhost_ref"},
          {"profile_type: 7", "", {}, "unknown value 7"},
          {"", "mine", {}, "unknown profile 'mine'"},
      },
      [&](const SecurityProfile* profile, const std::string& deprecated) {
        return AppArmorOptions(profile, deprecated, engine, "my.field");
      });
}

TEST(AppArmor, HostWithout) {
  const auto engine = OldEngine();
  ExpectProfiles(
      {
          {"", "", {}},
          {"profile_type: Unconfined", "", {}},
          {"profile_type: RuntimeDefault", "", {}, "no AppArmor ", Code::kFailedPrecondition},
          {"", "localhost/mine", {}, "no AppArmor ", Code::kFailedPrecondition},
      },
      [&](const SecurityProfile* profile, const std::string& deprecated) {
        return AppArmorOptions(profile, deprecated, engine, "my.field");
      });
}

TEST(Selinux, OnlyWhatIsGiven) {
  EXPECT_THAT(SelinuxOptions({}), IsEmpty());
  EXPECT_THAT(SelinuxOptions(Parse<runtime::v1::SELinuxOption>("level: 's0:c1'")),
              ElementsAre("label=level:s0:c1"));
}

}  // namespace
}  // namespace dockershimd::shim::translate
