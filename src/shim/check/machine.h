#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "shim/check/finding.h"

namespace dockershimd::shim::check {

/// What pods need of the kernel: cgroup controllers, forwarding, bridged packets through iptables,
/// shared mounts. `root` stands for "/".
[[nodiscard]] Findings LookAtKernel(const std::filesystem::path& root);

/// Whether a fixed "address:port" of ours is free. One with port 0 or an empty one always is.
[[nodiscard]] Findings LookAtPort(const std::string& subject, const std::string& address);

/// Space and inodes of a folder's file system, in use as kubelet counts it.
struct DiskFacts {
  std::uint64_t bytes = 0;
  std::uint64_t bytes_free = 0;
  std::uint64_t inodes = 0;  ///< 0: this file system has no fixed number
  std::uint64_t inodes_free = 0;
};
[[nodiscard]] Finding JudgeDisk(const std::string& folder, const DiskFacts& disk);
/// Of a folder that is there; nothing otherwise.
[[nodiscard]] Findings LookAtDisk(const std::string& folder);

}  // namespace dockershimd::shim::check
