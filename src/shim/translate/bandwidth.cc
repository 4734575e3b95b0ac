#include "shim/translate/bandwidth.h"

#include <charconv>
#include <limits>
#include <string>
#include <string_view>

namespace dockershimd::shim::translate {
namespace {

using base::Code;
using base::Fail;
using base::Result;

constexpr double kLowest = 1e3;
constexpr double kHighest = 1e15;
/// As kubelet's own bandwidth code and containerd do: as good as no limit to bursts.
constexpr std::uint64_t kBurst = std::numeric_limits<std::int32_t>::max();

/// The factor of a quantity's suffix; 0 for an unknown one.
double FactorOf(std::string_view suffix) {
  constexpr std::string_view kDecimal = "kMGTPE";
  if (suffix.empty()) return 1;
  if (suffix == "m") return 1e-3;
  const auto power = kDecimal.find(suffix == "Ki" ? 'k' : suffix[0]);
  if (power == std::string_view::npos || suffix.size() > 2) return 0;
  const bool binary = suffix.size() == 2 && suffix[1] == 'i';
  if (suffix.size() == 2 && !binary) return 0;
  if (binary && suffix[0] == 'k') return 0;
  double factor = 1;
  for (std::size_t i = 0; i <= power; ++i) factor *= binary ? 1024 : 1000;
  return factor;
}

Result<std::uint64_t> RateOf(const StringMap& annotations, const std::string& name) {
  const auto found = annotations.find(name);
  if (found == annotations.end()) return 0;
  const std::string& text = found->second;
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view suffix(end, static_cast<std::size_t>(text.data() + text.size() - end));
  const double rate = error == std::errc() ? number * FactorOf(suffix) : 0;
  if (!(rate >= kLowest && rate <= kHighest)) {
    return Fail(Code::kInvalidArgument,
                "annotations[{}]: '{}' is not a bandwidth between 1k and 1P bits per second", name,
                text);
  }
  return static_cast<std::uint64_t>(rate);
}

}  // namespace

Result<network::Bandwidth> BandwidthOf(const StringMap& annotations) {
  const auto ingress = RateOf(annotations, "kubernetes.io/ingress-bandwidth");
  if (!ingress) return Fail(ingress.error());
  const auto egress = RateOf(annotations, "kubernetes.io/egress-bandwidth");
  if (!egress) return Fail(egress.error());
  network::Bandwidth bandwidth;
  bandwidth.ingress_rate = *ingress;
  bandwidth.egress_rate = *egress;
  if (*ingress != 0) bandwidth.ingress_burst = kBurst;
  if (*egress != 0) bandwidth.egress_burst = kBurst;
  return bandwidth;
}

}  // namespace dockershimd::shim::translate
