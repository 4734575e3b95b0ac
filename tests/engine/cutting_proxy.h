#pragma once

#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "base/guarded.h"
#include "base/unique_fd.h"

namespace dockershimd::testsupport {

/// A way to the engine's socket that a test can cut: all connections at once, as when dockerd goes
/// away.
class CuttingProxy {
 public:
  explicit CuttingProxy(std::string engine_socket);
  ~CuttingProxy();
  CuttingProxy(const CuttingProxy&) = delete;
  CuttingProxy& operator=(const CuttingProxy&) = delete;

  [[nodiscard]] std::string Socket() const { return folder_ / "docker.sock"; }
  void Cut();

 private:
  void Accept();
  void Relay(base::UniqueFd client);

  std::string engine_socket_;
  std::filesystem::path folder_;
  base::UniqueFd listener_;
  base::Guarded<std::vector<int>> open_;  ///< of the threads below
  std::vector<std::jthread> relaying_;    ///< of the thread that accepts
  std::jthread accepting_;
};

}  // namespace dockershimd::testsupport
