#include "shim/translate/security.h"

#include <iterator>

namespace dockershimd::shim::translate {
namespace {

using base::Code;
using base::Fail;
using base::Result;
using runtime::v1::SecurityProfile;

constexpr std::string_view kLocalhostPrefix = "localhost/";

/// The deprecated text form as the message that replaced it.
Result<SecurityProfile> ParseDeprecated(std::string_view text, std::string_view field) {
  SecurityProfile profile;
  if (text == "unconfined") {
    profile.set_profile_type(SecurityProfile::Unconfined);
  } else if (text == "runtime/default" || text == "docker/default") {
    profile.set_profile_type(SecurityProfile::RuntimeDefault);
  } else if (text.starts_with(kLocalhostPrefix)) {
    profile.set_profile_type(SecurityProfile::Localhost);
    profile.set_localhost_ref(std::string(text.substr(kLocalhostPrefix.size())));
  } else {
    return Fail(Code::kInvalidArgument,
                "{}: unknown profile '{}' (use runtime/default, unconfined or localhost/<name>)",
                field, text);
  }
  return profile;
}

void Append(std::vector<std::string>& to, std::vector<std::string> more) {
  to.insert(to.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

Result<std::vector<std::string>> LocalSeccomp(const std::string& path,
                                              const ProfileReader& read_profile,
                                              std::string_view field) {
  if (!path.starts_with('/')) {
    return Fail(Code::kInvalidArgument, "{}.localhost_ref: '{}' is not an absolute path", field,
                path);
  }
  auto text = read_profile(path);
  if (!text) return Fail(text.error(), field);
  return std::vector{"seccomp=" + *text};
}

base::Status ApplyCapabilities(const runtime::v1::Capability& capabilities,
                               dockerapi::HostConfig* host) {
  if (capabilities.add_ambient_capabilities_size() > 0) {
    return Fail(Code::kUnimplemented,
                "security_context.capabilities.add_ambient_capabilities: Docker's API has no "
                "ambient capabilities; give the program file capabilities or run it as root");
  }
  host->cap_add.assign(capabilities.add_capabilities().begin(),
                       capabilities.add_capabilities().end());
  host->cap_drop.assign(capabilities.drop_capabilities().begin(),
                        capabilities.drop_capabilities().end());
  return {};
}

/// Strict means: no groups but those of the request. Docker adds the image's memberships unless
/// user and group are both given as numbers.
base::Status ApplyGroups(const runtime::v1::LinuxContainerSecurityContext& security,
                         dockerapi::ContainerSpec* spec) {
  for (const auto group : security.supplemental_groups()) {
    spec->host.group_add.push_back(std::to_string(group));
  }
  const bool strict =
      security.supplemental_groups_policy() == runtime::v1::SupplementalGroupsPolicy::Strict;
  if (strict && !(security.has_run_as_user() && security.has_run_as_group())) {
    return Fail(Code::kFailedPrecondition,
                "security_context.supplemental_groups_policy: Strict needs run_as_user and "
                "run_as_group on Docker; set runAsUser and runAsGroup in the pod");
  }
  return {};
}

}  // namespace

Result<std::vector<std::string>> SeccompOptions(const SecurityProfile* profile,
                                                const std::string& deprecated_path,
                                                const EngineView& engine,
                                                const ProfileReader& read_profile,
                                                std::string_view field) {
  SecurityProfile effective;
  effective.set_profile_type(SecurityProfile::Unconfined);
  if (profile != nullptr) {
    effective = *profile;
  } else if (!deprecated_path.empty()) {
    auto parsed = ParseDeprecated(deprecated_path, field);
    if (!parsed) return Fail(parsed.error());
    effective = *parsed;
  }
  switch (effective.profile_type()) {
    case SecurityProfile::RuntimeDefault:
      return std::vector<std::string>();
    case SecurityProfile::Unconfined:
      return std::vector<std::string>{"seccomp=unconfined"};
    case SecurityProfile::Localhost:
      if (!engine.features.seccomp) {
        return Fail(Code::kFailedPrecondition, "{}: this engine was built without seccomp", field);
      }
      return LocalSeccomp(effective.localhost_ref(), read_profile, field);
    default:
      return Fail(Code::kInvalidArgument, "{}.profile_type: unknown value {}", field,
                  static_cast<int>(effective.profile_type()));
  }
}

Result<std::vector<std::string>> AppArmorOptions(const SecurityProfile* profile,
                                                 const std::string& deprecated_name,
                                                 const EngineView& engine, std::string_view field) {
  SecurityProfile effective;
  if (profile != nullptr) {
    effective = *profile;
  } else if (!deprecated_name.empty()) {
    auto parsed = ParseDeprecated(deprecated_name, field);
    if (!parsed) return Fail(parsed.error());
    effective = *parsed;
  }
  if (effective.profile_type() == SecurityProfile::Localhost && !engine.features.apparmor) {
    return Fail(Code::kFailedPrecondition, "{}: AppArmor is not enabled on this host", field);
  }
  if (!engine.features.apparmor) return std::vector<std::string>();
  switch (effective.profile_type()) {
    case SecurityProfile::Unconfined:
      return std::vector<std::string>{"apparmor=unconfined"};
    case SecurityProfile::Localhost: {
      std::string_view name = effective.localhost_ref();
      if (name.starts_with(kLocalhostPrefix)) name.remove_prefix(kLocalhostPrefix.size());
      return std::vector<std::string>{fmt::format("apparmor={}", name)};
    }
    default:
      return std::vector<std::string>();
  }
}

std::vector<std::string> SelinuxOptions(const runtime::v1::SELinuxOption& selinux) {
  std::vector<std::string> options;
  const auto add = [&](std::string_view key, const std::string& value) {
    if (!value.empty()) options.push_back(fmt::format("label={}:{}", key, value));
  };
  add("user", selinux.user());
  add("role", selinux.role());
  add("type", selinux.type());
  add("level", selinux.level());
  return options;
}

Result<std::string> UserOf(const runtime::v1::Int64Value* run_as_user,
                           const std::string& run_as_username,
                           const runtime::v1::Int64Value* run_as_group) {
  std::string user =
      run_as_user != nullptr ? std::to_string(run_as_user->value()) : run_as_username;
  if (run_as_group == nullptr) return user;
  if (user.empty()) {
    return Fail(Code::kInvalidArgument,
                "security_context.run_as_group: needs run_as_user or run_as_username");
  }
  return fmt::format("{}:{}", user, run_as_group->value());
}

base::Status ApplyContainerSecurity(const runtime::v1::LinuxContainerSecurityContext& security,
                                    const EngineView& engine, const ProfileReader& read_profile,
                                    dockerapi::ContainerSpec* spec) {
  auto user = UserOf(security.has_run_as_user() ? &security.run_as_user() : nullptr,
                     security.run_as_username(),
                     security.has_run_as_group() ? &security.run_as_group() : nullptr);
  if (!user) return Fail(user.error());
  spec->user = *user;
  if (auto groups = ApplyGroups(security, spec); !groups) return groups;

  auto& host = spec->host;
  host.privileged = security.privileged();
  host.read_only_rootfs = security.readonly_rootfs();
  if (security.no_new_privs()) host.security_opt.emplace_back("no-new-privileges");
  Append(host.security_opt, SelinuxOptions(security.selinux_options()));
  // A privileged container is unconfined by definition; Docker refuses to mix the two.
  if (security.privileged()) return {};

  if (auto applied = ApplyCapabilities(security.capabilities(), &host); !applied) return applied;
  host.masked_paths.emplace(security.masked_paths().begin(), security.masked_paths().end());
  host.readonly_paths.emplace(security.readonly_paths().begin(), security.readonly_paths().end());
  auto seccomp = SeccompOptions(security.has_seccomp() ? &security.seccomp() : nullptr,
                                security.seccomp_profile_path(), engine, read_profile,
                                "security_context.seccomp");
  if (!seccomp) return Fail(seccomp.error());
  Append(host.security_opt, std::move(*seccomp));
  auto apparmor = AppArmorOptions(security.has_apparmor() ? &security.apparmor() : nullptr,
                                  security.apparmor_profile(), engine, "security_context.apparmor");
  if (!apparmor) return Fail(apparmor.error());
  Append(host.security_opt, std::move(*apparmor));
  return {};
}

}  // namespace dockershimd::shim::translate
