#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/guarded.h"
#include "base/result.h"

namespace dockershimd::shim::network {

/// The node's pod CIDRs as kubelet tells them (CRI UpdateRuntimeConfig), for the ipRanges
/// capability. Kept in a file: kubelet does not say them again when only the daemon restarts.
/// Thread-safe.
class PodCidrs {
 public:
  explicit PodCidrs(std::filesystem::path file);

  /// Comma-separated; an empty text changes nothing. kInvalidArgument names what is no CIDR.
  [[nodiscard]] base::Status Set(const std::string& text);
  [[nodiscard]] std::vector<std::string> Get() const { return *cidrs_.Lock(); }

 private:
  std::filesystem::path file_;
  base::Guarded<std::vector<std::string>> cidrs_;
};

}  // namespace dockershimd::shim::network
