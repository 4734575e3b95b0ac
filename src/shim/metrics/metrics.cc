#include "shim/metrics/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <utility>

namespace dockershimd::shim::metrics {
namespace {

using prometheus::ClientMetric;
using prometheus::Family;
using prometheus::Histogram;
using prometheus::MetricFamily;

/// From reads out of memory to a slow image's start.
const Histogram::BucketBoundaries kSeconds = {
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120};

double Seconds(std::chrono::nanoseconds duration) {
  return std::chrono::duration<double>(duration).count();
}

MetricFamily ToFamily(const Reading& reading) {
  MetricFamily family;
  family.name = reading.name;
  family.help = reading.help;
  family.type =
      reading.is_counter ? prometheus::MetricType::Counter : prometheus::MetricType::Gauge;
  ClientMetric metric;
  metric.gauge.value = reading.value;
  metric.counter.value = reading.value;
  family.metric.push_back(std::move(metric));
  return family;
}

}  // namespace

class Metrics::Impl {
 public:
  explicit Impl(std::function<std::vector<Reading>()> read)
      : read_(std::move(read)),
        rpcs_(prometheus::BuildHistogram()
                  .Name("dockershimd_rpc_duration_seconds")
                  .Help("CRI calls by name and result")
                  .Register(registry_)),
        docker_calls_(prometheus::BuildHistogram()
                          .Name("dockershimd_docker_call_duration_seconds")
                          .Help("Calls to Docker by operation and HTTP status; 0: no answer")
                          .Register(registry_)) {}

  void CountRpc(std::string_view rpc, std::string_view code, std::chrono::nanoseconds duration) {
    rpcs_.Add({{"rpc", std::string(rpc)}, {"code", std::string(code)}}, kSeconds)
        .Observe(Seconds(duration));
  }

  void CountDockerCall(std::string_view operation, int status, std::chrono::nanoseconds duration) {
    docker_calls_
        .Add({{"operation", std::string(operation)}, {"status", std::to_string(status)}}, kSeconds)
        .Observe(Seconds(duration));
  }

  [[nodiscard]] std::string Text() const {
    auto families = registry_.Collect();
    for (const auto& reading : read_()) families.push_back(ToFamily(reading));
    return prometheus::TextSerializer().Serialize(families);
  }

 private:
  std::function<std::vector<Reading>()> read_;
  prometheus::Registry registry_;
  Family<Histogram>& rpcs_;
  Family<Histogram>& docker_calls_;
};

Metrics::Metrics(std::function<std::vector<Reading>()> read)
    : impl_(std::make_unique<Impl>(std::move(read))) {}

Metrics::~Metrics() = default;

void Metrics::CountRpc(std::string_view rpc, std::string_view code,
                       std::chrono::nanoseconds duration) {
  impl_->CountRpc(rpc, code, duration);
}

void Metrics::CountDockerCall(std::string_view operation, int status,
                              std::chrono::nanoseconds duration) {
  impl_->CountDockerCall(operation, status, duration);
}

std::string Metrics::Text() const { return impl_->Text(); }

}  // namespace dockershimd::shim::metrics
