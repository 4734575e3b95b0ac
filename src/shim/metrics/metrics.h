#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace dockershimd::shim::metrics {

/// One figure that is read when somebody asks for the metrics.
struct Reading {
  std::string name;  ///< "dockershimd_pods"
  std::string help;
  double value = 0;
  bool is_counter = false;
};

/// The daemon's own figures, for Prometheus: what is counted as it happens, and what is read when
/// it is asked for. Thread-safe.
class Metrics {
 public:
  /// `read` is called for each scrape, from the scraper's thread.
  explicit Metrics(std::function<std::vector<Reading>()> read);
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  /// One CRI call that has ended; `code` is "ok" or an error code's name.
  void CountRpc(std::string_view rpc, std::string_view code, std::chrono::nanoseconds duration);

  /// One call to Docker: method and path pattern, HTTP status (0: no answer).
  void CountDockerCall(std::string_view operation, int status, std::chrono::nanoseconds duration);

  /// All of it in Prometheus' text format.
  [[nodiscard]] std::string Text() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace dockershimd::shim::metrics
