#include "shim/translate/users.h"

#include <charconv>
#include <limits>
#include <optional>
#include <string_view>

namespace dockershimd::shim::translate {
namespace {

using base::Code;
using base::Fail;
using base::Result;
using runtime::v1::LinuxContainerSecurityContext;
using runtime::v1::SupplementalGroupsPolicy;
using Fields = std::vector<std::string_view>;

Fields Split(std::string_view text, char separator) {
  Fields parts;
  while (true) {
    const auto end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

std::optional<std::int64_t> NumberOf(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < 0) return std::nullopt;
  return number;
}

/// The fields of the first line for which `wanted` is true; lines with fewer than `least` fields
/// are no entries.
template <class Wanted>
std::optional<Fields> FindEntry(std::string_view file, std::size_t least, const Wanted& wanted) {
  for (const auto line : Split(file, '\n')) {
    auto fields = Split(line, ':');
    if (fields.size() >= least && wanted(fields)) return fields;
  }
  return std::nullopt;
}

/// name:password:uid:gid:...
struct Account {
  std::string name;
  std::int64_t uid = 0;
  std::int64_t gid = 0;
};

std::optional<Account> FindAccount(const std::string& passwd, std::string_view user) {
  constexpr std::size_t kGidField = 3;
  auto entry =
      FindEntry(passwd, kGidField + 1, [&](const Fields& line) { return line[0] == user; });
  const auto uid = NumberOf(user);
  if (!entry && uid) {
    entry = FindEntry(passwd, kGidField + 1,
                      [&](const Fields& line) { return NumberOf(line[2]) == uid; });
  }
  if (!entry) return std::nullopt;
  return Account{std::string((*entry)[0]), NumberOf((*entry)[2]).value_or(0),
                 NumberOf((*entry)[kGidField]).value_or(0)};
}

Result<Account> AccountOf(const ImageAccounts& accounts, std::string_view user,
                          std::string_view field) {
  if (user.empty()) user = "0";
  if (auto account = FindAccount(accounts.passwd, user)) return *account;
  // A number needs no entry; its group is root's then, with Docker as with containerd.
  if (const auto uid = NumberOf(user)) return Account{"", *uid, 0};
  return Fail(Code::kInvalidArgument, "{}: the image's /etc/passwd has no user '{}'", field, user);
}

/// name:password:gid:member,member,...
Result<std::int64_t> GroupOf(const ImageAccounts& accounts, std::string_view group) {
  const auto entry =
      FindEntry(accounts.group, 3, [&](const Fields& line) { return line[0] == group; });
  const auto gid = NumberOf(entry ? (*entry)[2] : group);
  if (gid) return *gid;
  return Fail(Code::kInvalidArgument, "the image's user: its /etc/group has no group '{}'", group);
}

std::vector<std::int64_t> MembershipsOf(const ImageAccounts& accounts, const std::string& name) {
  std::vector<std::int64_t> groups;
  if (name.empty()) return groups;
  for (const auto line : Split(accounts.group, '\n')) {
    const auto fields = Split(line, ':');
    if (fields.size() < 4) continue;
    for (const auto member : Split(fields[3], ',')) {
      const auto gid = NumberOf(fields[2]);
      if (member == name && gid) groups.push_back(*gid);
    }
  }
  return groups;
}

}  // namespace

bool NeedsAccounts(const LinuxContainerSecurityContext& security) {
  if (security.supplemental_groups_policy() == SupplementalGroupsPolicy::Strict) {
    return !security.has_run_as_user() || !security.has_run_as_group();
  }
  return security.has_run_as_group();
}

Result<ProcessUser> ResolveUser(const LinuxContainerSecurityContext& security,
                                const ImageAccounts& accounts) {
  const auto image_user = Split(accounts.default_user, ':');
  const bool from_image = !security.has_run_as_user() && security.run_as_username().empty();
  const std::string user = from_image ? std::string(image_user[0])
                           : security.has_run_as_user()
                               ? std::to_string(security.run_as_user().value())
                               : security.run_as_username();
  const auto account = AccountOf(
      accounts, user, from_image ? "the image's user" : "security_context.run_as_username");
  if (!account) return Fail(account.error());
  ProcessUser process{account->uid, account->gid, {}};
  if (security.has_run_as_group()) {
    process.gid = security.run_as_group().value();
  } else if (from_image && image_user.size() > 1 && !image_user[1].empty()) {
    const auto gid = GroupOf(accounts, image_user[1]);
    if (!gid) return Fail(gid.error());
    process.gid = *gid;
  }
  if (security.supplemental_groups_policy() != SupplementalGroupsPolicy::Strict) {
    process.groups = MembershipsOf(accounts, account->name);
  }
  process.groups.insert(process.groups.end(), security.supplemental_groups().begin(),
                        security.supplemental_groups().end());
  return process;
}

base::Status CheckId(std::int64_t id, std::string_view field) {
  constexpr std::int64_t kHighest = std::numeric_limits<std::int32_t>::max();
  if (id >= 0 && id <= kHighest) return {};
  return Fail(Code::kInvalidArgument, "{}: {} is not between 0 and {}", field, id, kHighest);
}

base::Status CheckUser(const LinuxContainerSecurityContext& security) {
  if (security.has_run_as_group() && !security.has_run_as_user() &&
      security.run_as_username().empty()) {
    return Fail(Code::kInvalidArgument,
                "security_context.run_as_group: needs run_as_user or run_as_username");
  }
  auto checked = CheckId(security.run_as_user().value(), "security_context.run_as_user");
  if (checked) checked = CheckId(security.run_as_group().value(), "security_context.run_as_group");
  for (const auto group : security.supplemental_groups()) {
    if (checked) checked = CheckId(group, "security_context.supplemental_groups");
  }
  if (!checked) return checked;
  if (!runtime::v1::SupplementalGroupsPolicy_IsValid(security.supplemental_groups_policy())) {
    return Fail(Code::kInvalidArgument,
                "security_context.supplemental_groups_policy: unknown value {}",
                static_cast<int>(security.supplemental_groups_policy()));
  }
  return {};
}

}  // namespace dockershimd::shim::translate
