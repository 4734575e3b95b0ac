#pragma once

#include <cstdint>

#include "base/result.h"
#include "shim/network/pod_network.h"
#include "shim/translate/labels.h"

namespace dockershimd::shim::translate {

/// The pod's annotations kubernetes.io/ingress-bandwidth and kubernetes.io/egress-bandwidth
/// (Kubernetes quantities in bits per second, such as "10M") for the bandwidth plugin.
/// kInvalidArgument for a quantity that cannot be read or is outside 1k to 1P.
[[nodiscard]] base::Result<network::Bandwidth> BandwidthOf(const StringMap& annotations);

}  // namespace dockershimd::shim::translate
