#include "expected.h"

#include <linux/capability.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "process_view.h"

namespace dockershimd::tests {
namespace {

namespace cri_v1 = runtime::v1;
using cri_v1::SecurityProfile;

constexpr std::uint64_t kDockersCapabilities = 0xa80425fb;

/// The accounts of the test images, as tests/support/images.py makes them.
struct Account {
  std::string name;
  std::int64_t id;  ///< of the user and of its group
};
const std::vector<Account> kAccounts = {
    {"root", 0}, {"default-user", 1000}, {"www-data", 33}, {"nobody", 65534}};
constexpr std::int64_t kGroupInImage = 50000;  ///< with default-user

/// For either generation of the fields.
template <class Security>
std::string SeccompMode(const Security& security) {
  bool filtered = false;
  if (security.has_seccomp()) {
    filtered = security.seccomp().profile_type() != SecurityProfile::Unconfined;
  } else if (!security.seccomp_profile_path().empty()) {
    filtered = security.seccomp_profile_path() != "unconfined";
  }
  return filtered && !security.privileged() ? "2" : "0";
}

}  // namespace

std::string ExpectedSeccomp(const cri_v1::LinuxContainerSecurityContext& security) {
  return SeccompMode(security);
}

std::string ExpectedSeccomp(const cri_v1::LinuxSandboxSecurityContext& security) {
  return SeccompMode(security);
}

bool HasLocalProfile(const cri_v1::LinuxContainerSecurityContext& security) {
  if (security.privileged()) return false;
  if (!security.has_seccomp()) return security.seccomp_profile_path().starts_with("localhost/");
  return security.seccomp().profile_type() == SecurityProfile::Localhost;
}

/// ALL comes first, then what is added, then what is dropped.
std::uint64_t ExpectedCapabilities(const cri_v1::LinuxContainerSecurityContext& security,
                                   const Host& host) {
  if (security.privileged()) return host.capabilities;
  const auto is_all = [](const std::string& name) { return name == "ALL" || name == "all"; };
  const auto& added = security.capabilities().add_capabilities();
  const auto& dropped = security.capabilities().drop_capabilities();
  std::uint64_t bits = kDockersCapabilities;
  if (std::ranges::any_of(added, is_all)) bits = host.capabilities;
  if (std::ranges::any_of(dropped, is_all)) bits = 0;
  for (const auto& name : added) {
    if (!is_all(name)) bits |= CapabilityBit(name);
  }
  for (const auto& name : dropped) {
    if (!is_all(name)) bits &= ~CapabilityBit(name);
  }
  return bits;
}

Identity ExpectedIdentity(const cri_v1::ContainerConfig& config) {
  const auto& security = config.linux().security_context();
  const std::string& image = config.image().image();
  const bool names_user = security.has_run_as_user() || !security.run_as_username().empty();
  Identity expected{0, 0, {}};
  if (security.has_run_as_user()) {
    expected.uid = security.run_as_user().value();
  } else if (!security.run_as_username().empty()) {
    const auto account = std::ranges::find(kAccounts, security.run_as_username(), &Account::name);
    expected.uid = account->id;
  } else if (image.find("predefined-group") != std::string::npos) {
    expected.uid = 1000;
  } else if (image.find("username-group") != std::string::npos) {
    expected.uid = 33;
  }
  const bool has_account =
      std::ranges::find(kAccounts, expected.uid, &Account::id) != kAccounts.end();
  expected.gid = has_account ? expected.uid : 0;
  if (names_user && security.has_run_as_group()) expected.gid = security.run_as_group().value();
  expected.groups = {security.supplemental_groups().begin(), security.supplemental_groups().end()};
  expected.groups.insert(expected.gid);
  if (security.supplemental_groups_policy() == cri_v1::Merge && expected.uid == 1000) {
    expected.groups.insert(kGroupInImage);
  }
  return expected;
}

std::int64_t ExpectedOomScore(std::int64_t asked, std::int64_t above_own) {
  const ProcessView self(::getpid());
  const bool may_lower = (self.Mask("CapEff") & (std::uint64_t{1} << CAP_SYS_RESOURCE)) != 0;
  const std::int64_t lowest = std::stoll(self.Text("oom_score_adj")) + above_own;
  return may_lower ? asked : std::max(asked, lowest);
}

}  // namespace dockershimd::tests
