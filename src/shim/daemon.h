#pragma once

#include <memory>

#include "base/result.h"
#include "shim/config/config.h"

namespace dockershimd::shim {

/// The whole daemon: makes the parts, connects them, owns their lifetimes. The one place where
/// everything meets.
class Daemon {
 public:
  /// Serves CRI at once; whether Docker can be reached shows in the CRI status, and is tried until
  /// it can.
  [[nodiscard]] static base::Result<std::unique_ptr<Daemon>> Start(const config::Config& config);

  /// Ends the calls that run (they have ten seconds), then all parts. Containers, their networks
  /// and their logs stay as they are and are found again by the next daemon.
  ~Daemon();
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

 private:
  Daemon();

  class Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace dockershimd::shim
