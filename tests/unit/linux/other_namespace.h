#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

#include <string>
#include <thread>

#include "base/unique_fd.h"

namespace dockershimd::shim::linuxos {

/// A network namespace besides the test's own, alive as long as this is.
class OtherNamespace {
 public:
  OtherNamespace() {
    std::jthread([this] {
      ASSERT_EQ(::unshare(CLONE_NEWNET), 0);
      fd_.Reset(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
    }).join();
  }

  /// For other processes too.
  [[nodiscard]] std::string Path() const {
    return "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(fd_.Get());
  }

 private:
  base::UniqueFd fd_;
};

}  // namespace dockershimd::shim::linuxos
