#include "shim/adoption/log_link.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>

#include "base/file.h"

namespace dockershimd::shim::adoption {
namespace {

namespace fs = std::filesystem;

const auto kNow = std::chrono::system_clock::from_time_t(1767323045);  // 2026-01-02 03:04:05 UTC

class LogLink : public testing::Test {
 protected:
  LogLink() {
    std::string pattern = (fs::temp_directory_path() / "log-link.XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    log_ = folder_ / "pod" / "main" / "0.log";
    docker_log_ = folder_ / "id-json.log";
    EXPECT_TRUE(base::WriteFileAtomically(docker_log_, "docker's\n"));
  }
  ~LogLink() override { fs::remove_all(folder_); }

  base::Result<bool> Link() { return LinkLogToDocker(log_, docker_log_, kNow); }
  void WriteLog(const char* text) {
    fs::create_directories(log_.parent_path());
    EXPECT_TRUE(base::WriteFileAtomically(log_, text));
  }
  std::string Read(const fs::path& file) { return base::ReadFile(file).value_or("(nothing)"); }

  fs::path folder_;
  fs::path log_;
  fs::path docker_log_;
};

TEST_F(LogLink, WhereThereWasNone) {
  EXPECT_EQ(Link(), true);
  EXPECT_EQ(fs::read_symlink(log_), docker_log_);
}

TEST_F(LogLink, ALogOfOursIsKeptAsARotatedOne) {
  WriteLog("ours\n");
  EXPECT_EQ(Link(), true);
  EXPECT_EQ(Read(log_), "docker's\n");
  EXPECT_EQ(Read(log_.string() + ".20260102-030405"), "ours\n");
}

TEST_F(LogLink, AnEarlierRotationOfTheSameSecondIsNotReplaced) {
  WriteLog("ours\n");
  fs::copy_file(docker_log_, log_.string() + ".20260102-030405");
  EXPECT_EQ(Link(), true);
  EXPECT_EQ(Read(log_.string() + ".20260102-030405"), "docker's\n");
  EXPECT_EQ(Read(log_.string() + ".20260102-030406"), "ours\n");
}

TEST_F(LogLink, ARightLinkStays) {
  EXPECT_EQ(Link(), true);
  EXPECT_EQ(Link(), false);
}

TEST_F(LogLink, AWrongLinkIsReplaced) {
  fs::create_directories(log_.parent_path());
  fs::create_symlink("/nonexistent", log_);
  EXPECT_EQ(Link(), true);
  EXPECT_EQ(fs::read_symlink(log_), docker_log_);
}

TEST_F(LogLink, AFolderThatCannotBeMadeIsAnError) {
  log_ = docker_log_ / "pod" / "0.log";
  const auto linked = Link();
  ASSERT_FALSE(linked);
  EXPECT_NE(linked.error().message.find(docker_log_.string()), std::string::npos)
      << linked.error().message;
}

}  // namespace
}  // namespace dockershimd::shim::adoption
