#include "base/unique_fd.h"

#include <fcntl.h>
#include <gtest/gtest.h>

namespace dockershimd::base {
namespace {

int OpenNull() { return ::open("/dev/null", O_RDONLY | O_CLOEXEC); }
bool IsOpen(int fd) { return ::fcntl(fd, F_GETFD) >= 0; }

TEST(UniqueFd, ClosesWhatItOwns) {
  const int fd = OpenNull();
  {
    const UniqueFd owner(fd);
    EXPECT_TRUE(owner);
    EXPECT_EQ(owner.Get(), fd);
  }
  EXPECT_FALSE(IsOpen(fd));
}

TEST(UniqueFd, MovesWithoutClosing) {
  const int fd = OpenNull();
  UniqueFd first(fd);
  UniqueFd second(std::move(first));
  EXPECT_FALSE(first.IsOpen());  // NOLINT(bugprone-use-after-move): what a move leaves
  UniqueFd third(OpenNull());
  const int replaced = third.Get();
  third = std::move(second);
  EXPECT_EQ(third.Get(), fd);
  EXPECT_TRUE(IsOpen(fd));
  EXPECT_FALSE(IsOpen(replaced));
}

TEST(UniqueFd, ReleaseGivesItAway) {
  UniqueFd owner(OpenNull());
  const int fd = owner.Release();
  EXPECT_FALSE(owner);
  EXPECT_TRUE(IsOpen(fd));
  owner.Reset(fd);
  owner.Reset(fd);  // its own: stays open
  EXPECT_TRUE(IsOpen(fd));
  owner.Reset();
  EXPECT_FALSE(IsOpen(fd));
}

}  // namespace
}  // namespace dockershimd::base
