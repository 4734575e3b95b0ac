#include "base/file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <filesystem>
#include <thread>

#include "temporary_folder.h"

namespace dockershimd::base {
namespace {

namespace fs = std::filesystem;

class FileTest : public testing::Test {
 protected:
  static mode_t ModeOf(const fs::path& path) {
    struct stat status = {};
    EXPECT_EQ(::stat(path.c_str(), &status), 0);
    return status.st_mode & 07777;
  }

  const testsupport::TemporaryFolder temporary_;
  const fs::path folder_ = temporary_.Path();
};

TEST_F(FileTest, WritesAndReadsBack) {
  const std::string content(100'000, '\0');
  ASSERT_TRUE(WriteFileAtomically(folder_ / "a", content, Durability::kDaemonCrash, 0640));
  EXPECT_EQ(ReadFile(folder_ / "a").value(), content);
  EXPECT_EQ(ModeOf(folder_ / "a"), 0640U);
  ASSERT_TRUE(WriteFileAtomically(folder_ / "a", "new"));
  EXPECT_EQ(ReadFile(folder_ / "a").value(), "new");
  EXPECT_EQ(ModeOf(folder_ / "a"), 0600U);
}

TEST_F(FileTest, ProcFilesHaveNoSizeButContent) {
  const auto status = ReadFile("/proc/self/status");
  ASSERT_TRUE(status);
  EXPECT_TRUE(status->starts_with("Name:"));
}

TEST_F(FileTest, MissingIsNotFoundAndNamed) {
  const auto content = ReadFile(folder_ / "missing");
  ASSERT_FALSE(content);
  EXPECT_EQ(content.error().code, Code::kNotFound);
  EXPECT_NE(content.error().message.find("missing"), std::string::npos);
  EXPECT_FALSE(WriteFileInPlace(folder_ / "missing", "x"));
  EXPECT_FALSE(WriteFileAtomically(folder_ / "no/such/file", "x"));
  EXPECT_FALSE(ReadFile(folder_));
}

TEST_F(FileTest, AReaderNeverSeesHalfOfIt) {
  const auto path = folder_ / "shared";
  ASSERT_TRUE(WriteFileAtomically(path, std::string(50'000, 'a')));
  std::jthread writer([&](const std::stop_token& stop) {
    for (char letter = 'a'; !stop.stop_requested(); letter = letter == 'z' ? 'a' : letter + 1) {
      EXPECT_TRUE(WriteFileAtomically(path, std::string(50'000, letter)));
    }
  });
  for (int i = 0; i < 200; ++i) {
    const auto content = ReadFile(path);
    ASSERT_TRUE(content);
    EXPECT_EQ(*content, std::string(50'000, content->front()));
  }
}

TEST_F(FileTest, AFailedReplacementLeavesTheOldAndNoRubbish) {
  fs::create_directory(folder_ / "taken");
  fs::create_directory(folder_ / "taken/inside");
  EXPECT_FALSE(WriteFileAtomically(folder_ / "taken", "x"));
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), {}), 1);
}

TEST_F(FileTest, InPlaceKeepsTheInode) {
  ASSERT_TRUE(WriteFileAtomically(folder_ / "a", "a longer text"));
  const auto inode = [&] {
    struct stat status = {};
    ::stat((folder_ / "a").c_str(), &status);
    return status.st_ino;
  };
  const auto before = inode();
  ASSERT_TRUE(WriteFileInPlace(folder_ / "a", "short"));
  EXPECT_EQ(ReadFile(folder_ / "a").value(), "short");
  EXPECT_EQ(inode(), before);
}

TEST_F(FileTest, MakesFoldersWithParents) {
  EXPECT_TRUE(MakeDirectories(folder_ / "a/b/c"));
  EXPECT_TRUE(MakeDirectories(folder_ / "a/b/c"));
  EXPECT_TRUE(MakeDirectories((folder_ / "a/d").string() + "/"));
  EXPECT_TRUE(fs::is_directory(folder_ / "a/b/c"));
  EXPECT_TRUE(fs::is_directory(folder_ / "a/d"));
  ASSERT_TRUE(WriteFileAtomically(folder_ / "file", ""));
  EXPECT_FALSE(MakeDirectories(folder_ / "file"));
  EXPECT_FALSE(MakeDirectories(folder_ / "file/below"));
  fs::create_directory_symlink(folder_ / "a", folder_ / "link");
  EXPECT_TRUE(MakeDirectories(folder_ / "link"));
  EXPECT_TRUE(MakeDirectories(folder_ / "link/e"));
}

TEST_F(FileTest, OpensForThisProcessOnly) {
  const auto fd = OpenFile(folder_ / "a", O_WRONLY | O_CREAT, 0640);
  ASSERT_TRUE(fd);
  EXPECT_NE(::fcntl(fd->Get(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST_F(FileTest, WriteAllReportsWhatItWasFor) {
  const auto fd = OpenFile("/dev/full", O_WRONLY);
  ASSERT_TRUE(fd);
  const auto status = WriteAll(fd->Get(), "x", "write the position");
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Code::kResourceExhausted);
  EXPECT_TRUE(status.error().message.starts_with("write the position: "));
}

}  // namespace
}  // namespace dockershimd::base
