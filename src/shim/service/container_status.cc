#include "shim/service/container_status.h"

#include "shim/linux/process_identity.h"
#include "shim/translate/status.h"

namespace dockershimd::shim::service {

runtime::v1::ContainerStatus StatusOf(const translate::ContainerRecord& container) {
  auto status = translate::ToContainerStatus(container);
  const auto& details = container.details;
  if (details.state.pid == 0) {
    translate::FillUser(container, &status);
    return status;
  }
  const auto identity = linuxos::IdentityOf(details.state.pid);
  if (!identity) return status;
  auto& user = *status.mutable_user()->mutable_linux();
  user.set_uid(identity->uid);
  user.set_gid(identity->gid);
  user.mutable_supplemental_groups()->Assign(identity->groups.begin(), identity->groups.end());
  return status;
}

}  // namespace dockershimd::shim::service
