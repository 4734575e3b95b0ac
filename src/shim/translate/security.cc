#include "shim/translate/security.h"

#include <algorithm>
#include <cctype>
#include <iterator>

namespace dockershimd::shim::translate {
namespace {

using base::Code;
using base::Fail;
using base::Result;
using runtime::v1::SecurityProfile;
using Strings = std::vector<std::string>;

constexpr std::string_view kLocalhostPrefix = "localhost/";
constexpr std::string_view kCapabilityPrefix = "CAP_";

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

/// The profile that the two generations of fields ask for; nothing where neither is set.
/// A local one has its reference without prefix.
Result<std::optional<SecurityProfile>> ProfileOf(const SecurityProfile* profile,
                                                 const std::string& deprecated,
                                                 std::string_view field) {
  if (profile == nullptr && deprecated.empty()) return std::nullopt;
  auto asked =
      profile != nullptr ? Result<SecurityProfile>(*profile) : ParseDeprecated(deprecated, field);
  if (!asked) return Fail(asked.error());
  if (!SecurityProfile::ProfileType_IsValid(asked->profile_type())) {
    return Fail(Code::kInvalidArgument, "{}.profile_type: unknown value {}", field,
                static_cast<int>(asked->profile_type()));
  }
  std::string_view name = asked->localhost_ref();
  if (name.starts_with(kLocalhostPrefix)) name.remove_prefix(kLocalhostPrefix.size());
  const bool is_local = asked->profile_type() == SecurityProfile::Localhost;
  if (is_local == name.empty()) {
    return Fail(Code::kInvalidArgument,
                "{}.localhost_ref: goes with the profile type Localhost, and only with it", field);
  }
  asked->set_localhost_ref(std::string(name));
  return *asked;
}

/// Where the host has no such security module, only "unconfined" can be true.
base::Status CheckSupported(bool is_there, const SecurityProfile& profile, std::string_view field,
                            std::string_view module) {
  if (is_there || profile.profile_type() == SecurityProfile::Unconfined) return {};
  return Fail(Code::kFailedPrecondition,
              "{}: this engine has no {} (docker info shows it under Security Options); enable it "
              "on the host or ask for Unconfined",
              field, module);
}

void Append(Strings& to, Strings more) {
  to.insert(to.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

Result<Strings> LocalSeccomp(const std::string& path, const ProfileReader& read_profile,
                             std::string_view field) {
  if (!path.starts_with('/')) {
    return Fail(Code::kInvalidArgument, "{}.localhost_ref: '{}' is not an absolute path", field,
                path);
  }
  auto text = read_profile(path);
  if (!text) return Fail(text.error(), field);
  return Strings{"seccomp=" + *text};
}

/// One spelling for each capability: "CAP_CHOWN", "chown" -> "CHOWN".
Strings CapabilityNames(const google::protobuf::RepeatedPtrField<std::string>& names) {
  Strings same;
  for (std::string name : names) {
    std::ranges::transform(name, name.begin(),
                           [](unsigned char letter) { return std::toupper(letter); });
    if (name.starts_with(kCapabilityPrefix)) name.erase(0, kCapabilityPrefix.size());
    same.push_back(std::move(name));
  }
  return same;
}

/// CRI adds before it drops, and "ALL" is done before single names: a dropped capability is gone,
/// whoever else added it. Docker does it the other way round, so nothing may be in both lists.
base::Status ApplyCapabilities(const runtime::v1::Capability& capabilities,
                               dockerapi::HostConfig* host) {
  if (capabilities.add_ambient_capabilities_size() > 0) {
    return Fail(Code::kUnimplemented,
                "security_context.capabilities.add_ambient_capabilities: Docker's API has no "
                "ambient capabilities; give the program file capabilities or run it as root");
  }
  host->cap_add = CapabilityNames(capabilities.add_capabilities());
  host->cap_drop = CapabilityNames(capabilities.drop_capabilities());
  std::erase_if(host->cap_add, [&](const std::string& name) {
    return std::ranges::find(host->cap_drop, name) != host->cap_drop.end();
  });
  return {};
}

base::Status ApplyUser(const runtime::v1::LinuxContainerSecurityContext& security,
                       const ImageAccounts* accounts, dockerapi::ContainerSpec* spec) {
  if (auto checked = CheckUser(security); !checked) return checked;
  if (accounts == nullptr) {
    spec->user = UserOf(security);
    for (const auto group : security.supplemental_groups()) {
      spec->host.group_add.push_back(std::to_string(group));
    }
    return {};
  }
  const auto user = ResolveUser(security, *accounts);
  if (!user) return Fail(user.error());
  // Both as numbers: Docker then looks nothing up and adds nothing.
  spec->user = fmt::format("{}:{}", user->uid, user->gid);
  for (const auto group : user->groups) spec->host.group_add.push_back(std::to_string(group));
  return {};
}

}  // namespace

Result<Strings> SeccompOptions(const SecurityProfile* profile, const std::string& deprecated_path,
                               const EngineView& engine, const ProfileReader& read_profile,
                               std::string_view field) {
  const auto asked = ProfileOf(profile, deprecated_path, field);
  if (!asked) return Fail(asked.error());
  // No profile at all means unconfined, as CRI has it.
  if (!*asked || (*asked)->profile_type() == SecurityProfile::Unconfined) {
    return Strings{"seccomp=unconfined"};
  }
  if (auto supported = CheckSupported(engine.features.seccomp, **asked, field, "seccomp");
      !supported) {
    return Fail(supported.error());
  }
  if ((*asked)->profile_type() == SecurityProfile::RuntimeDefault) return Strings();
  return LocalSeccomp((*asked)->localhost_ref(), read_profile, field);
}

Result<Strings> AppArmorOptions(const SecurityProfile* profile, const std::string& deprecated_name,
                                const EngineView& engine, std::string_view field) {
  const auto asked = ProfileOf(profile, deprecated_name, field);
  if (!asked) return Fail(asked.error());
  if (!*asked) return Strings();
  if (auto supported = CheckSupported(engine.features.apparmor, **asked, field, "AppArmor");
      !supported) {
    return Fail(supported.error());
  }
  if (!engine.features.apparmor) return Strings();
  switch ((*asked)->profile_type()) {
    case SecurityProfile::Unconfined:
      return Strings{"apparmor=unconfined"};
    case SecurityProfile::Localhost:
      return Strings{"apparmor=" + (*asked)->localhost_ref()};
    default:
      return Strings();
  }
}

Strings SelinuxOptions(const runtime::v1::SELinuxOption& selinux) {
  Strings options;
  const auto add = [&](std::string_view key, const std::string& value) {
    if (!value.empty()) options.push_back(fmt::format("label={}:{}", key, value));
  };
  add("user", selinux.user());
  add("role", selinux.role());
  add("type", selinux.type());
  add("level", selinux.level());
  return options;
}

std::string UserOf(const runtime::v1::LinuxContainerSecurityContext& security) {
  std::string user = security.has_run_as_user() ? std::to_string(security.run_as_user().value())
                                                : security.run_as_username();
  if (security.has_run_as_group()) user += fmt::format(":{}", security.run_as_group().value());
  return user;
}

base::Status ApplyContainerSecurity(const runtime::v1::LinuxContainerSecurityContext& security,
                                    const EngineView& engine, const ImageAccounts* accounts,
                                    const ProfileReader& read_profile,
                                    dockerapi::ContainerSpec* spec) {
  if (auto applied = ApplyUser(security, accounts, spec); !applied) return applied;

  auto& host = spec->host;
  host.privileged = security.privileged();
  host.read_only_rootfs = security.readonly_rootfs();
  if (security.no_new_privs()) host.security_opt.emplace_back("no-new-privileges");
  Append(host.security_opt, SelinuxOptions(security.selinux_options()));
  auto apparmor = AppArmorOptions(security.has_apparmor() ? &security.apparmor() : nullptr,
                                  security.apparmor_profile(), engine, "security_context.apparmor");
  if (!apparmor) return Fail(apparmor.error());
  Append(host.security_opt, std::move(*apparmor));
  // Privileged means all capabilities, no seccomp filter and no hidden paths, as with containerd.
  if (security.privileged()) return {};

  if (auto applied = ApplyCapabilities(security.capabilities(), &host); !applied) return applied;
  host.masked_paths.emplace(security.masked_paths().begin(), security.masked_paths().end());
  host.readonly_paths.emplace(security.readonly_paths().begin(), security.readonly_paths().end());
  auto seccomp = SeccompOptions(security.has_seccomp() ? &security.seccomp() : nullptr,
                                security.seccomp_profile_path(), engine, read_profile,
                                "security_context.seccomp");
  if (!seccomp) return Fail(seccomp.error());
  Append(host.security_opt, std::move(*seccomp));
  return {};
}

}  // namespace dockershimd::shim::translate
