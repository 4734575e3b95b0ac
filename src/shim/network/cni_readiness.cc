#include "shim/network/cni_readiness.h"

namespace dockershimd::shim::network {
namespace {

using base::CallContext;
using Clock = CallContext::Clock;

constexpr const char* kNotReady = "NetworkPluginNotReady";
/// Kubelet asks every 5 seconds.
constexpr std::chrono::seconds kReadyIsFresh(10);
constexpr std::chrono::seconds kNotReadyIsFresh(2);

}  // namespace

std::optional<NetworkCondition> CniReadiness::Remembered(const ConfigPtr& config) const {
  const auto asked = asked_.Lock();
  if (!*asked || (*asked)->config != config) return std::nullopt;
  const auto fresh = (*asked)->condition.ready ? kReadyIsFresh : kNotReadyIsFresh;
  if (Clock::now() - (*asked)->at >= fresh) return std::nullopt;
  return (*asked)->condition;
}

NetworkCondition CniReadiness::Ask(const CallContext& context, const ConfigPtr& config) {
  auto fine = runner_.FindAll(*config);
  if (fine) fine = runner_.AskStatus(context, *config);
  const NetworkCondition condition = fine
                                         ? NetworkCondition{true, "", ""}
                                         : NetworkCondition{false, kNotReady, fine.error().message};
  // A caller without patience has learnt nothing about the plugins.
  if (!context.IsCancelled() && !context.IsExpired()) {
    *asked_.Lock() = Asked{Clock::now(), config, condition};
  }
  return condition;
}

NetworkCondition CniReadiness::Condition(const CallContext& context) {
  const auto config = folder_.Current();
  if (!config) return {false, kNotReady, config.error().message};
  if (auto remembered = Remembered(*config)) return *remembered;
  return Ask(context, *config);
}

}  // namespace dockershimd::shim::network
