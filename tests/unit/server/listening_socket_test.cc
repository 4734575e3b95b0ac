#include "shim/server/listening_socket.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <filesystem>
#include <fstream>

#include "temporary_folder.h"

namespace dockershimd::shim::server {
namespace {

using base::Code;
using testing::HasSubstr;

class ListeningSocketTest : public testing::Test {
 protected:
  base::Result<ListeningSocket> Open() {
    return ListeningSocket::Open({.path = path_, .group = ""});
  }

  /// A socket file there, as another program would make it.
  base::UniqueFd Bind(bool listening) {
    base::UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path_.string().copy(address.sun_path, sizeof(address.sun_path) - 1);
    EXPECT_EQ(::bind(fd.Get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    if (listening) {
      EXPECT_EQ(::listen(fd.Get(), 1), 0);
    }
    return fd;
  }

  testsupport::TemporaryFolder folder_;
  std::filesystem::path path_ = folder_.Path() / "cri.sock";
};

TEST_F(ListeningSocketTest, IsForRootAloneAndGoesWithItsOwner) {
  {
    const auto socket = Open();
    ASSERT_TRUE(socket) << socket.error().message;
    struct stat status{};
    ASSERT_EQ(::stat(path_.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777, 0600U);
  }
  EXPECT_FALSE(std::filesystem::exists(path_));
  EXPECT_TRUE(Open());
}

TEST_F(ListeningSocketTest, MakesItsFolder) {
  path_ = folder_.Path() / "a" / "b" / "cri.sock";
  EXPECT_TRUE(Open());
}

TEST_F(ListeningSocketTest, ASecondDaemonIsRefused) {
  const auto first = Open();
  ASSERT_TRUE(first);
  const auto second = Open();
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Code::kAlreadyExists);
  EXPECT_THAT(second.error().message, HasSubstr("another dockershimd"));
  EXPECT_TRUE(std::filesystem::exists(path_));
}

TEST_F(ListeningSocketTest, AnotherProgramsSocketIsLeftAlone) {
  const auto other = Bind(true);
  const auto socket = Open();
  ASSERT_FALSE(socket);
  EXPECT_EQ(socket.error().code, Code::kAlreadyExists);
  EXPECT_THAT(socket.error().message, HasSubstr("another program"));
  EXPECT_TRUE(std::filesystem::exists(path_));
}

TEST_F(ListeningSocketTest, AStaleSocketIsReplaced) {
  {
    const auto other = Bind(false);
  }
  const auto socket = Open();
  EXPECT_TRUE(socket) << socket.error().message;
}

TEST_F(ListeningSocketTest, AFileOfAnotherKindIsLeftAlone) {
  std::ofstream(path_) << "precious";
  const auto socket = Open();
  ASSERT_FALSE(socket);
  EXPECT_TRUE(std::filesystem::is_regular_file(path_));
}

TEST_F(ListeningSocketTest, AFolderThatOthersMayWriteToIsRefused) {
  std::filesystem::permissions(folder_.Path(), std::filesystem::perms::others_write,
                               std::filesystem::perm_options::add);
  const auto socket = Open();
  ASSERT_FALSE(socket);
  EXPECT_EQ(socket.error().code, Code::kPermissionDenied);
}

TEST_F(ListeningSocketTest, AGroupThatIsNotThereIsRefused) {
  const auto socket = ListeningSocket::Open({.path = path_, .group = "no-such-group"});
  ASSERT_FALSE(socket);
  EXPECT_THAT(socket.error().message, HasSubstr("no-such-group"));
}

}  // namespace
}  // namespace dockershimd::shim::server
