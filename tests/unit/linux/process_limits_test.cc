#include "shim/linux/process_limits.h"

#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <string>

#include "base/file.h"

namespace dockershimd::shim::linuxos {
namespace {

/// What the kernel says by its own call, to compare with.
bool KernelHasCapability(int capability) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, 2> data{};
  EXPECT_EQ(::syscall(SYS_capget, &header, data.data()), 0);
  const auto place = static_cast<std::size_t>(capability);
  return (data[place / 32].effective >> (place % 32) & 1) != 0;
}

TEST(HasCapability, AgreesWithTheKernel) {
  for (const int capability : {CAP_CHOWN, CAP_SYS_ADMIN, CAP_SYS_RESOURCE, CAP_AUDIT_READ}) {
    EXPECT_EQ(HasCapability(capability), KernelHasCapability(capability)) << capability;
  }
}

TEST(HasCapability, NoneBeyondTheKernelsLast) { EXPECT_FALSE(HasCapability(63)); }

TEST(OwnOomScoreAdj, IsWhatTheKernelShows) {
  const auto before = base::ReadFile("/proc/self/oom_score_adj");
  ASSERT_TRUE(before);
  EXPECT_EQ(OwnOomScoreAdj(), std::stoi(*before));
}

}  // namespace
}  // namespace dockershimd::shim::linuxos
