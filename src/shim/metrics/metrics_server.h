#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/result.h"

namespace dockershimd::shim::metrics {

/// Answers GET /metrics over HTTP, on a thread of its own: for a Prometheus
/// on this node. A client that is slow is cut off after five seconds.
class MetricsServer {
 public:
  /// `address` is "127.0.0.1:9099"; port 0 takes a free one. `text` makes the answer.
  [[nodiscard]] static base::Result<std::unique_ptr<MetricsServer>> Start(
      const std::string& address, std::function<std::string()> text);

  virtual ~MetricsServer() = default;
  [[nodiscard]] virtual std::uint16_t Port() const = 0;
};

}  // namespace dockershimd::shim::metrics
