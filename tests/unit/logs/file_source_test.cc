#include "shim/logs/file_source.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "cri_reader.h"
#include "simulated_docker.h"
#include "temporary_folder.h"

namespace dockershimd::shim::logs {
namespace {

namespace fs = std::filesystem;

class FileSourceTest : public testing::Test {
 protected:
  const testsupport::TemporaryFolder temporary_;
  const fs::path folder_ = temporary_.Path();
  const fs::path log_ = folder_ / "id-json.log";
};

/// Gathers what a source has, batch by batch.
class Reader {
 public:
  explicit Reader(FileSource& source) : source_(source) {}

  Progress Read() {
    batch_.Clear();
    const auto progress = source_.Read(batch_);
    if (!progress) {
      ADD_FAILURE() << progress.error().message;
      return Progress::kEnd;
    }
    text_ += batch_.lines;
    gaps_ += batch_.gaps;
    source_.Commit();
    return *progress;
  }
  [[nodiscard]] std::vector<std::string> Lines() const { return ParseCri(text_).lines["stdout"]; }
  [[nodiscard]] std::uint64_t Gaps() const { return gaps_; }

 private:
  FileSource& source_;
  Batch batch_;
  std::string text_;
  std::uint64_t gaps_ = 0;
};

/// Two rotations may come between the looks at one name and at the next.
TEST_F(FileSourceTest, WhatIsRotatedWhileItIsLookedForKeepsItsOrder) {
  constexpr int kRounds = 250;
  constexpr int kLines = 20;
  std::vector<std::string> expected;
  for (int i = 0; i < kLines; ++i) expected.push_back(std::to_string(i));
  for (int round = 0; round < kRounds; ++round) {
    SimulatedDocker docker(log_, {.max_size = 1, .max_files = kLines + 1});
    docker.WriteLine("stdout", "0");
    FileSource source("test/pod/main", log_, {});
    std::atomic<bool> is_written = false;
    std::jthread writer([&] {
      for (int i = 1; i < kLines; ++i) docker.WriteLine("stdout", std::to_string(i));
      is_written = true;
    });
    Reader reader(source);
    while (!is_written) {
      source.NoticeRotation();
      reader.Read();
    }
    source.Finish();
    while (reader.Read() != Progress::kEnd) continue;
    ASSERT_EQ(reader.Lines(), expected) << "round " << round;
    ASSERT_EQ(reader.Gaps(), 0U) << "round " << round;
    for (const auto& entry : fs::directory_iterator(folder_)) fs::remove(entry);
  }
}

/// One rotation at a time loses nothing, though Docker keeps one file besides the newest.
TEST_F(FileSourceTest, WhatIsDeletedWhileItIsLookedForIsKept) {
  constexpr int kLines = 500;
  SimulatedDocker docker(log_, {.max_size = 1, .max_files = 2});
  docker.WriteLine("stdout", "0");
  std::vector<std::string> expected = {"0"};
  FileSource source("test/pod/main", log_, {});
  Reader reader(source);
  reader.Read();
  std::atomic<int> written = 1;
  std::atomic<int> noticed = 1;
  std::jthread writer([&] {
    for (int i = 1; i < kLines; ++i) {
      docker.WriteLine("stdout", std::to_string(i));
      written = i + 1;
      while (noticed <= i) std::this_thread::yield();
      // The next one may come at any point of a look.
      std::this_thread::sleep_for(std::chrono::microseconds(i % 100));
    }
  });
  while (noticed < kLines) {
    const int before = written;
    source.NoticeRotation();
    reader.Read();
    noticed = before;
  }
  writer.join();
  source.Finish();
  while (reader.Read() != Progress::kEnd) continue;
  for (int i = 1; i < kLines; ++i) expected.push_back(std::to_string(i));
  EXPECT_EQ(reader.Lines(), expected);
  EXPECT_EQ(reader.Gaps(), 0U);
}

TEST_F(FileSourceTest, AMissingFileDoesNotMoveThePosition) {
  const SourcePosition position{.inode = 1, .offset = 10};
  FileSource source("test/pod/main", log_, position);
  Batch batch;
  ASSERT_TRUE(source.Read(batch));
  source.Commit();
  EXPECT_EQ(source.Position().inode, position.inode);
  EXPECT_EQ(source.Position().offset, position.offset);
}

TEST_F(FileSourceTest, AGapIsToldUntilItsBatchIsWritten) {
  SimulatedDocker docker(log_, {});
  docker.WriteLine("stdout", "1");
  // Nobody knows this file any more.
  FileSource source("test/pod/main", log_, {.inode = 1, .offset = 10});
  Batch batch;
  for (int tries = 0; tries < 3; ++tries) {
    batch.Clear();
    ASSERT_TRUE(source.Read(batch));
    EXPECT_EQ(batch.gaps, 1U);
  }
  source.Commit();
  batch.Clear();
  ASSERT_TRUE(source.Read(batch));
  EXPECT_EQ(batch.gaps, 0U);
}

}  // namespace
}  // namespace dockershimd::shim::logs
