#pragma once

#include "cri/runtime/v1/api.pb.h"
#include "shim/translate/records.h"

namespace dockershimd::shim::service {

/// A container's status as all answers show it, its user included: as the kernel has it while the
/// container runs, for the image may have a say in it.
[[nodiscard]] runtime::v1::ContainerStatus StatusOf(const translate::ContainerRecord& container);

}  // namespace dockershimd::shim::service
