#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <filesystem>
#include <iostream>
#include <iterator>
#include <optional>
#include <thread>

#include "base/file.h"
#include "cri_reader.h"
#include "shim/logs/log_pipeline.h"
#include "simulated_docker.h"
#include "temporary_folder.h"

namespace dockershimd::shim::logs {
namespace {

namespace fs = std::filesystem;
using base::CallContext;
using base::Code;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;

/// A container's lines: each begins with its number; what was written is remembered.
class NumberedLines {
 public:
  explicit NumberedLines(SimulatedDocker& docker, std::size_t padding = 0)
      : docker_(docker), padding_(padding, 'x') {}

  void Write(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      all_.push_back(std::to_string(all_.size()) + padding_);
      docker_.WriteLine("stdout", all_.back());
    }
  }
  [[nodiscard]] const std::vector<std::string>& All() const { return all_; }

 private:
  SimulatedDocker& docker_;
  const std::string padding_;
  std::vector<std::string> all_;
};

/// What a full disk leaves room for: Docker's own file of 3,000 bytes and a bit.
constexpr std::uint64_t kFullAt = 3300;

class LogPipelineTest : public testing::Test {
 protected:
  LogPipelineTest() {
    fs::create_directory(folder_ / "docker");
    cri_ = folder_ / "pods/a_b_c/main/0.log";
    Restart();
  }

  void Restart() {
    pipeline_.reset();
    pipeline_.emplace(LogOptions{folder_ / "state"}, client_);
  }

  LogStream Stream() const {
    return {"id", "test/pod/main", folder_ / "docker/id-json.log", cri_, false};
  }

  void Follow() {
    const auto followed = pipeline_->Follow(Stream());
    ASSERT_TRUE(followed) << followed.error().message;
    EXPECT_TRUE(fs::exists(cri_));
  }

  void Finish() {
    const auto finished = pipeline_->FinishAndWait(CallContext::WithTimeout(seconds(20)), "id");
    EXPECT_TRUE(finished) << finished.error().message;
  }

  SimulatedDocker MakeDocker(SimulatedDocker::Options options = {}) const {
    return {folder_ / "docker/id-json.log", options};
  }

  /// Waits until the CRI file's stdout holds this many full lines.
  void AwaitLines(std::size_t count) {
    for (int tries = 0; tries < 2000 && Stdout().size() < count; ++tries) {
      std::this_thread::sleep_for(milliseconds(5));
    }
    EXPECT_EQ(Stdout().size(), count);
  }

  /// Of both streams.
  void AwaitAll(std::size_t count) {
    const auto written = [&] {
      auto content = Content();
      return content.lines["stdout"].size() + content.lines["stderr"].size();
    };
    for (int tries = 0; tries < 2000 && written() < count; ++tries) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }

  /// As EXPECT_EQ, which shows only the beginning of both.
  void ExpectLines(const std::vector<std::string>& expected) const {
    const auto written = Stdout();
    const auto differ =
        std::mismatch(written.begin(), written.end(), expected.begin(), expected.end());
    const auto shown = [](const auto& lines, auto at) {
      return at == lines.end() ? std::string("nothing") : '"' + at->substr(0, 20) + '"';
    };
    EXPECT_EQ(written.size(), expected.size());
    EXPECT_TRUE(written == expected)
        << "line " << differ.first - written.begin() << " is " << shown(written, differ.first)
        << " and not " << shown(expected, differ.second);
  }

  /// So much that on a full disk nothing more fits into the CRI file.
  void WriteBeyondFull(NumberedLines& lines, int rounds) {
    for (int round = 0; round < rounds; ++round) {
      lines.Write(10);
      AwaitLines(lines.All().size());
    }
    ASSERT_GT(fs::file_size(cri_), kFullAt);
  }

  /// Files of Docker's that are kept until they have been read.
  [[nodiscard]] int Kept() const {
    int count = 0;
    for (const auto& entry : fs::directory_iterator(folder_ / "docker")) {
      count += entry.path().filename().string().contains("unread") ? 1 : 0;
    }
    return count;
  }
  void AwaitKept(int count) const {
    for (int tries = 0; tries < 2000 && Kept() < count; ++tries) {
      std::this_thread::sleep_for(milliseconds(5));
    }
    ASSERT_EQ(Kept(), count);
  }

  [[nodiscard]] CriContent Content() const { return ParseCri(ReadRotated(cri_)); }
  [[nodiscard]] std::vector<std::string> Stdout() const { return Content().lines["stdout"]; }

  const testsupport::TemporaryFolder temporary_;
  const fs::path folder_ = temporary_.Path();
  fs::path cri_;
  dockerapi::Client client_{{.socket_path = "/nonexistent/docker.sock"}};
  std::optional<LogPipeline> pipeline_;
};

/// Writes beyond the limit fail as on a full disk, in the middle of a batch.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t size) {
    ::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &before_);
    rlimit limit = before_;
    limit.rlim_cur = size;
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() { ::setrlimit(RLIMIT_FSIZE, &before_); }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  rlimit before_ = {};
};

TEST_F(LogPipelineTest, FollowsBeforeTheLogExists) {
  Follow();
  auto docker = MakeDocker();
  docker.WriteLine("stdout", "hello <world>");
  docker.WriteLine("stderr", "oops");
  AwaitLines(1);
  docker.WriteLine("stdout", "again");
  AwaitLines(2);
  Finish();
  EXPECT_THAT(Stdout(), ElementsAre("hello <world>", "again"));
  EXPECT_THAT(Content().lines["stderr"], ElementsAre("oops"));
  EXPECT_THAT(Content().errors, IsEmpty());
}

TEST_F(LogPipelineTest, TimesAreDockers) {
  Follow();
  auto docker = MakeDocker();
  docker.WriteLine("stdout", "x");
  Finish();
  EXPECT_EQ(ReadRotated(cri_), docker.LastTime() + " stdout F x\n");
}

TEST_F(LogPipelineTest, LongLinesInParts) {
  Follow();
  auto docker = MakeDocker();
  std::vector<std::string> lines;
  for (const std::size_t size : {0U, 1U, 16383U, 16384U, 16385U, 32768U, 100'000U, 3'000'000U}) {
    lines.emplace_back(size, 'x');
    docker.WriteLine("stdout", lines.back());
  }
  docker.WriteUnfinished("stderr", "prompt> ");
  Finish();
  EXPECT_EQ(Stdout(), lines);
  EXPECT_EQ(Content().unfinished["stderr"], "prompt> ");
}

TEST_F(LogPipelineTest, ContainersThatEndedBeforeAreReadFromTheirBeginning) {
  auto docker = MakeDocker({.max_size = 1000, .max_files = 4});
  for (int i = 0; i < 20; ++i) docker.WriteLine("stdout", std::to_string(i));
  ASSERT_GT(docker.Rotations(), 0);
  ASSERT_LT(docker.Rotations(), 4);
  Follow();
  Finish();
  EXPECT_EQ(Stdout().size(), 20U);
  EXPECT_EQ(Stdout().back(), "19");
}

TEST_F(LogPipelineTest, AnUnfinishedRecordWaitsForItsRest) {
  Follow();
  auto docker = MakeDocker();
  docker.WriteLine("stdout", "one");
  docker.WriteRaw(R"({"log":"two\n","stream":"stdout","ti)");
  AwaitLines(1);
  std::this_thread::sleep_for(milliseconds(50));
  docker.WriteRaw("me\":\"2026-01-01T00:00:00Z\"}\n");
  AwaitLines(2);
  EXPECT_THAT(Stdout(), ElementsAre("one", "two"));
}

TEST_F(LogPipelineTest, ACutRecordDoesNotTakeTheNextWithIt) {
  Follow();
  auto docker = MakeDocker();
  docker.WriteLine("stdout", "one");
  docker.WriteRaw(R"({"log":"lost on a full di)");
  docker.WriteLine("stdout", "two");
  docker.WriteRaw("rubbish\n");
  docker.WriteLine("stdout", "three");
  Finish();
  EXPECT_THAT(Stdout(), ElementsAre("one", "two", "three"));
  EXPECT_THAT(Content().errors, IsEmpty());
  EXPECT_EQ(pipeline_->Statistics().bad_records, 2U);
}

TEST_F(LogPipelineTest, ARestartGoesOnWhereItWas) {
  Follow();
  auto docker = MakeDocker();
  for (int i = 0; i < 100; ++i) {
    docker.WriteLine("stdout", std::to_string(i));
    if (i % 10 == 5) AwaitLines(static_cast<std::size_t>(i) + 1);
    if (i % 10 == 7) {
      Restart();
      Follow();
    }
  }
  Finish();
  ASSERT_EQ(Stdout().size(), 100U);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(Stdout()[static_cast<std::size_t>(i)], std::to_string(i));
}

TEST_F(LogPipelineTest, ARestartGoesOnBeforeAnybodyAsks) {
  Follow();
  auto docker = MakeDocker();
  docker.WriteLine("stdout", "1");
  AwaitLines(1);
  pipeline_.reset();
  docker.WriteLine("stdout", "2");
  Restart();
  docker.WriteLine("stdout", "3");
  AwaitLines(3);
  pipeline_->Resume(Stream(), true);
  pipeline_->ForgetUnconfirmed();
  docker.WriteLine("stdout", "4");
  Finish();
  EXPECT_THAT(Stdout(), ElementsAre("1", "2", "3", "4"));
  // It has ended: the next daemon is told by Docker if there is more.
  docker.WriteLine("stdout", "5");
  Restart();
  EXPECT_FALSE(pipeline_->Reopen("id"));
  EXPECT_EQ(Stdout().size(), 4U);
}

TEST_F(LogPipelineTest, WhatNobodySpeaksOfIsForgotten) {
  Follow();
  auto docker = MakeDocker();
  docker.WriteLine("stdout", "1");
  AwaitLines(1);
  pipeline_.reset();
  docker.WriteLine("stdout", "2");
  Restart();
  pipeline_->ForgetUnconfirmed();
  AwaitLines(2);
  for (int tries = 0; tries < 2000 && !fs::is_empty(folder_ / "state/logs"); ++tries) {
    std::this_thread::sleep_for(milliseconds(5));
  }
  EXPECT_TRUE(fs::is_empty(folder_ / "state/logs"));
}

TEST_F(LogPipelineTest, AnOlderPositionCutsTheFileBack) {
  Follow();
  auto docker = MakeDocker();
  docker.WriteLine("stdout", "one");
  AwaitLines(1);
  const auto position = folder_ / "state/logs/id";
  const auto before = base::ReadFile(position).value();
  docker.WriteLine("stdout", "two");
  AwaitLines(2);
  pipeline_.reset();
  // As if killed after the write and before the position's.
  ASSERT_TRUE(base::WriteFileInPlace(position, before));
  docker.WriteLine("stdout", "three");
  Restart();
  Follow();
  Finish();
  EXPECT_THAT(Stdout(), ElementsAre("one", "two", "three"));
}

TEST_F(LogPipelineTest, ALostPositionIsFoundInTheCriFile) {
  Follow();
  auto docker = MakeDocker({.max_size = 1000, .max_files = 5});
  for (int i = 0; i < 10; ++i) docker.WriteLine("stdout", std::to_string(i));
  AwaitLines(10);
  pipeline_.reset();
  fs::remove(folder_ / "state/logs/id");
  // A line cut in the middle, too.
  fs::resize_file(cri_, fs::file_size(cri_) - 3);
  for (int i = 10; i < 20; ++i) docker.WriteLine("stdout", std::to_string(i));
  Restart();
  Follow();
  Finish();
  ASSERT_EQ(Stdout().size(), 20U);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(Stdout()[static_cast<std::size_t>(i)], std::to_string(i));
}

TEST_F(LogPipelineTest, DockersRotationLosesNothing) {
  Follow();
  auto docker = MakeDocker({.max_size = 20'000, .max_files = 3});
  constexpr int kLines = 5000;
  for (int i = 0; i < kLines; ++i) {
    docker.WriteLine(i % 3 == 0 ? "stderr" : "stdout", std::to_string(i));
    // Never more than one rotation ahead of the reader, however slow the machine is.
    if (i % 100 == 99) AwaitAll(static_cast<std::size_t>(i) + 1);
  }
  Finish();
  auto content = Content();
  EXPECT_GT(docker.Rotations(), 10);
  EXPECT_EQ(content.lines["stdout"].size() + content.lines["stderr"].size(), std::size_t{kLines});
  EXPECT_EQ(content.lines["stderr"].back(), std::to_string((kLines - 1) / 3 * 3));
  EXPECT_EQ(pipeline_->Statistics().gaps, 0U);
}

TEST_F(LogPipelineTest, RotationWhileTheDaemonIsAway) {
  Follow();
  auto docker = MakeDocker({.max_size = 1000, .max_files = 10});
  docker.WriteLine("stdout", "first");
  AwaitLines(1);
  pipeline_.reset();
  for (int i = 0; i < 40; ++i) docker.WriteLine("stdout", std::to_string(i));
  ASSERT_GT(docker.Rotations(), 1);
  Restart();
  Follow();
  Finish();
  EXPECT_EQ(Stdout().size(), 41U);
  EXPECT_EQ(pipeline_->Statistics().gaps, 0U);
}

/// A loud container is looked at without being told of its writes, until it is quiet.
TEST_F(LogPipelineTest, NoLineIsMissedBetweenLoudAndQuiet) {
  Follow();
  auto docker = MakeDocker({.max_size = 100'000, .max_files = 5});
  NumberedLines lines(docker, 100);
  for (int round = 0; round < 100; ++round) {
    lines.Write(round % 3 == 0 ? 500 : 120);
    std::this_thread::sleep_for(std::chrono::microseconds(round * 300));
    lines.Write(1);
    AwaitLines(lines.All().size());
    if (HasFailure()) return;
  }
  Finish();
  ExpectLines(lines.All());
  EXPECT_GT(docker.Rotations(), 10);
  EXPECT_EQ(pipeline_->Statistics().gaps, 0U);
}

TEST_F(LogPipelineTest, StatisticsSayWhatIsWritten) {
  Follow();
  auto docker = MakeDocker();
  for (int i = 0; i < 10; ++i) docker.WriteLine("stdout", std::to_string(i));
  docker.WriteLine("stderr", std::string(40'000, 'x'));
  Finish();
  const auto statistics = pipeline_->Statistics();
  EXPECT_EQ(statistics.lines, 13U) << "a line of 40,000 bytes is written in three parts";
  EXPECT_EQ(statistics.bytes, fs::file_size(cri_));
  EXPECT_EQ(statistics.failures, 0U);
  EXPECT_EQ(statistics.bad_records, 0U);
  EXPECT_EQ(statistics.gaps, 0U);
  // Docker's times here are those of the clock, a little ahead.
  EXPECT_LT(std::chrono::abs(statistics.lag), std::chrono::minutes(5));
  EXPECT_NE(statistics.lag.count(), 0);
}

TEST_F(LogPipelineTest, WhatDockerHasDroppedIsAGap) {
  Follow();
  auto docker = MakeDocker({.max_size = 1000, .max_files = 2});
  docker.WriteLine("stdout", "first");
  AwaitLines(1);
  pipeline_.reset();
  for (int i = 0; i < 100; ++i) docker.WriteLine("stdout", std::to_string(i));
  Restart();
  Follow();
  Finish();
  const auto lines = Stdout();
  EXPECT_EQ(lines.front(), "first");
  EXPECT_EQ(lines.back(), "99");
  EXPECT_LT(lines.size(), 60U);
  EXPECT_EQ(pipeline_->Statistics().gaps, 1U);
}

TEST_F(LogPipelineTest, TruncationInPlace) {
  Follow();
  auto docker = MakeDocker({.max_size = 100'000'000, .max_files = 1});
  docker.WriteLine("stdout", "before");
  AwaitLines(1);
  docker.Rotate();
  docker.WriteLine("stdout", "after, and longer than what was there before");
  AwaitLines(2);
  docker.Rotate();
  AwaitLines(2);
  docker.WriteLine("stdout", "last");
  Finish();
  EXPECT_THAT(Stdout(),
              ElementsAre("before", "after, and longer than what was there before", "last"));
}

TEST_F(LogPipelineTest, KubeletsRotation) {
  Follow();
  auto docker = MakeDocker();
  for (int round = 1; round <= 5; ++round) {
    docker.WriteLine("stdout", std::to_string(round));
    AwaitLines(static_cast<std::size_t>(round));
    fs::rename(cri_, RotatedName(cri_, round));
    docker.WriteLine("stderr", std::to_string(round));
    ASSERT_TRUE(pipeline_->Reopen("id"));
    ASSERT_TRUE(fs::exists(cri_));
    const auto size = fs::file_size(RotatedName(cri_, round));
    docker.WriteLine("stderr", "later");
    std::this_thread::sleep_for(milliseconds(30));
    EXPECT_EQ(fs::file_size(RotatedName(cri_, round)), size);
  }
  Finish();
  EXPECT_THAT(Stdout(), ElementsAre("1", "2", "3", "4", "5"));
  EXPECT_EQ(Content().lines["stderr"].size(), 10U);
}

TEST_F(LogPipelineTest, ARotationThatKubeletTakesBack) {
  Follow();
  auto docker = MakeDocker();
  docker.WriteLine("stdout", "1");
  AwaitLines(1);
  fs::rename(cri_, RotatedName(cri_, 1));
  ASSERT_TRUE(pipeline_->Reopen("id"));
  docker.WriteLine("stdout", "2");
  AwaitLines(2);
  // The answer did not reach it.
  fs::rename(RotatedName(cri_, 1), cri_);
  docker.WriteLine("stdout", "3");
  AwaitLines(3);
  Restart();
  Follow();
  docker.WriteLine("stdout", "4");
  Finish();
  EXPECT_THAT(Stdout(), ElementsAre("1", "2", "3", "4"));
}

TEST_F(LogPipelineTest, ARotationThatKubeletTakesBackAndBeginsAgain) {
  for (const bool restarted : {true, false}) {
    Follow();
    auto docker = MakeDocker();
    docker.WriteLine("stdout", "1");
    AwaitLines(1);
    fs::rename(cri_, RotatedName(cri_, 1));
    ASSERT_TRUE(pipeline_->Reopen("id"));
    docker.WriteLine("stdout", "2");
    AwaitLines(2);
    // The answer did not reach it; and the next time the daemon is away, or answers.
    fs::rename(RotatedName(cri_, 1), cri_);
    if (restarted) pipeline_.reset();
    fs::rename(cri_, RotatedName(cri_, 1));
    if (restarted) {
      Restart();
      pipeline_->Resume(Stream(), true);
      docker.WriteLine("stdout", "3");
      AwaitLines(3);
      fs::rename(RotatedName(cri_, 1), cri_);
    } else {
      ASSERT_TRUE(pipeline_->Reopen("id"));
      docker.WriteLine("stdout", "3");
    }
    docker.WriteLine("stdout", "4");
    AwaitLines(4);
    Finish();
    EXPECT_THAT(Stdout(), ElementsAre("1", "2", "3", "4"));
    pipeline_.reset();
    fs::remove_all(folder_);
    fs::create_directories(folder_ / "docker");
    Restart();
  }
}

TEST_F(LogPipelineTest, ARenamedFileIsContinuedUntilReopen) {
  Follow();
  auto docker = MakeDocker();
  docker.WriteLine("stdout", "1");
  AwaitLines(1);
  pipeline_.reset();
  fs::rename(cri_, RotatedName(cri_, 1));
  docker.WriteLine("stdout", "2");
  Restart();
  ASSERT_TRUE(pipeline_->Follow(Stream()));
  AwaitLines(2);
  EXPECT_FALSE(fs::exists(cri_));
  ASSERT_TRUE(pipeline_->Reopen("id"));
  EXPECT_TRUE(fs::exists(cri_));
  docker.WriteLine("stdout", "3");
  Finish();
  EXPECT_THAT(Stdout(), ElementsAre("1", "2", "3"));
  EXPECT_EQ(ParseCri(base::ReadFile(cri_).value()).lines["stdout"].size(), 1U);
}

TEST_F(LogPipelineTest, ADeletedFileIsMadeAgain) {
  Follow();
  auto docker = MakeDocker();
  docker.WriteLine("stdout", "1");
  AwaitLines(1);
  fs::remove_all(cri_.parent_path());
  docker.WriteLine("stdout", "2");
  AwaitLines(1);
  EXPECT_THAT(Stdout(), ElementsAre("2"));
}

TEST_F(LogPipelineTest, ALinkToDockersFileIsLeftAlone) {
  auto docker = MakeDocker();
  docker.WriteLine("stdout", "1");
  fs::create_directories(cri_.parent_path());
  fs::create_symlink(docker.Path(), cri_);
  const auto followed = pipeline_->Follow(Stream());
  EXPECT_FALSE(followed);
  EXPECT_TRUE(base::ReadFile(docker.Path()).value().ends_with("\"}\n"));
}

TEST_F(LogPipelineTest, AFullDiskIsWaitedFor) {
  Follow();
  auto docker = MakeDocker();
  docker.WriteLine("stdout", "0");
  AwaitLines(1);
  pipeline_.reset();
  std::vector<std::string> lines = {"0"};
  for (int i = 1; i < 30; ++i) {
    lines.push_back(std::to_string(i) + std::string(300, 'x'));
    docker.WriteLine("stdout", lines.back());
  }
  {
    const FileSizeLimit full(4096);
    Restart();
    Follow();
    while (pipeline_->Statistics().failures < 2) std::this_thread::sleep_for(milliseconds(10));
    EXPECT_THAT(Stdout(), ElementsAre("0"));
  }
  Finish();
  EXPECT_EQ(Stdout(), lines);
}

TEST_F(LogPipelineTest, RotationWhileTheDiskIsFull) {
  Follow();
  auto docker = MakeDocker({.max_size = 3000, .max_files = 2});
  NumberedLines lines(docker, 100);
  ASSERT_NO_FATAL_FAILURE(WriteBeyondFull(lines, 3));
  {
    const FileSizeLimit full(kFullAt);
    const int before = docker.Rotations();
    // Docker deletes most of this; we have it open.
    for (int round = 0; round < 10; ++round) {
      lines.Write(10);
      ASSERT_NO_FATAL_FAILURE(AwaitKept(docker.Rotations() - before));
    }
    EXPECT_GT(docker.Rotations(), 3);
  }
  Finish();
  ExpectLines(lines.All());
  EXPECT_EQ(pipeline_->Statistics().gaps, 0U);
}

TEST_F(LogPipelineTest, WhatCannotBeOpenedAtAResumeIsTriedAgain) {
  auto docker = MakeDocker();
  docker.WriteLine("stdout", "1");
  // A file where its folder belongs.
  fs::create_directories(cri_.parent_path().parent_path());
  ASSERT_TRUE(base::WriteFileAtomically(cri_.parent_path(), ""));
  EXPECT_FALSE(pipeline_->Follow(Stream()));
  EXPECT_EQ(pipeline_->Statistics().followed, 0U);
  pipeline_->Resume(Stream(), true);
  while (pipeline_->Statistics().failures < 2) std::this_thread::sleep_for(milliseconds(5));
  EXPECT_FALSE(pipeline_->Follow(Stream()));
  fs::remove(cri_.parent_path());
  AwaitLines(1);
  docker.WriteLine("stdout", "2");
  Finish();
  EXPECT_THAT(Stdout(), ElementsAre("1", "2"));
}

TEST_F(LogPipelineTest, AContainerThatIsStartedAgain) {
  Follow();
  auto docker = MakeDocker();
  std::vector<std::string> lines;
  for (int round = 0; round < 50; ++round) {
    lines.push_back(std::to_string(round));
    docker.WriteLine("stdout", lines.back());
    pipeline_->Finish("id");
    if (round % 2 == 0) {
      Follow();
    } else {
      pipeline_->Resume(Stream(), true);
    }
  }
  docker.WriteLine("stdout", "last");
  lines.emplace_back("last");
  AwaitLines(51);
  EXPECT_EQ(Stdout(), lines);
  EXPECT_EQ(pipeline_->Statistics().followed, 1U);
}

TEST_F(LogPipelineTest, ARemovedContainersLogIsWrittenToItsEnd) {
  auto docker = MakeDocker();
  NumberedLines lines(docker, 300);
  lines.Write(100);
  {
    const FileSizeLimit full(4096);
    Follow();
    while (pipeline_->Statistics().failures == 0) std::this_thread::sleep_for(milliseconds(5));
    fs::remove_all(folder_ / "docker");
    pipeline_->Forget("id");
  }
  AwaitLines(100);
  ExpectLines(lines.All());
  for (int tries = 0; tries < 2000 && pipeline_->Statistics().followed > 0; ++tries) {
    std::this_thread::sleep_for(milliseconds(5));
  }
  EXPECT_EQ(pipeline_->Statistics().followed, 0U);
  EXPECT_FALSE(fs::exists(folder_ / "state/logs/id"));
}

TEST_F(LogPipelineTest, ADeletedFileOfAnEndedContainerIsNotMadeAgain) {
  Follow();
  auto docker = MakeDocker();
  docker.WriteLine("stdout", "1");
  Finish();
  fs::remove_all(cri_.parent_path());
  // As at the container's removal, and after a restart of the daemon.
  pipeline_->Resume(Stream(), false);
  Finish();
  Restart();
  pipeline_->Resume(Stream(), false);
  Finish();
  EXPECT_FALSE(fs::exists(cri_.parent_path()));
  EXPECT_EQ(pipeline_->Statistics().failures, 0U);
}

TEST_F(LogPipelineTest, ARotationTakenBackAfterTheEnd) {
  Follow();
  auto docker = MakeDocker();
  docker.WriteLine("stdout", "1");
  AwaitLines(1);
  fs::rename(cri_, RotatedName(cri_, 1));
  ASSERT_TRUE(pipeline_->Reopen("id"));
  docker.WriteLine("stdout", "2");
  Finish();
  fs::rename(RotatedName(cri_, 1), cri_);
  pipeline_->Resume(Stream(), false);
  Finish();
  EXPECT_THAT(Stdout(), ElementsAre("1", "2"));
}

TEST_F(LogPipelineTest, ManyRotatedFilesThatDockerStillHas) {
  auto docker = MakeDocker({.max_size = 1000, .max_files = 90});
  NumberedLines lines(docker);
  lines.Write(500);
  ASSERT_GT(docker.Rotations(), 32);
  // More of them while the tail is behind.
  {
    const FileSizeLimit full(4096);
    Follow();
    lines.Write(400);
    std::this_thread::sleep_for(milliseconds(50));
  }
  ASSERT_LT(docker.Rotations(), 90);
  Finish();
  ExpectLines(lines.All());
  EXPECT_EQ(pipeline_->Statistics().gaps, 0U);
}

/// As one look at the names shows them while Docker renames one after the other.
TEST_F(LogPipelineTest, NamesThatAreMissingAmongOthersHideNothing) {
  auto docker = MakeDocker({.max_size = 1000, .max_files = 30});
  NumberedLines lines(docker);
  while (docker.Rotations() < 10) lines.Write(1);
  const auto name = [&](int index) { return fmt::format("{}.{}", docker.Path().string(), index); };
  for (int index = 10; index > 0; --index) fs::rename(name(index), name(2 * index));
  Follow();
  Finish();
  ExpectLines(lines.All());
  EXPECT_EQ(pipeline_->Statistics().gaps, 0U);
}

TEST_F(LogPipelineTest, WhatIsBehindIsKeptOverARestart) {
  auto docker = MakeDocker({.max_size = 3000, .max_files = 2});
  NumberedLines lines(docker);
  Follow();
  ASSERT_NO_FATAL_FAILURE(WriteBeyondFull(lines, 8));
  {
    const FileSizeLimit full(kFullAt);
    const int before = docker.Rotations();
    // Docker deletes each file at the second rotation behind it.
    while (docker.Rotations() < before + 8) {
      lines.Write(10);
      ASSERT_NO_FATAL_FAILURE(AwaitKept(docker.Rotations() - before));
    }
    Restart();
    Follow();
    while (pipeline_->Statistics().failures == 0) std::this_thread::sleep_for(milliseconds(5));
  }
  Finish();
  ExpectLines(lines.All());
  EXPECT_EQ(pipeline_->Statistics().gaps, 0U);
  EXPECT_EQ(Kept(), 0);
}

TEST_F(LogPipelineTest, WithoutDescriptorsItWaits) {
  auto docker = MakeDocker();
  docker.WriteLine("stdout", "1");
  Follow();
  AwaitLines(1);
  Finish();
  docker.WriteLine("stdout", "2");
  rlimit before = {};
  ::getrlimit(RLIMIT_NOFILE, &before);
  rlimit none = before;
  none.rlim_cur = 0;
  ::setrlimit(RLIMIT_NOFILE, &none);
  pipeline_->Resume(Stream(), false);
  while (pipeline_->Statistics().failures < 2) std::this_thread::sleep_for(milliseconds(5));
  ::setrlimit(RLIMIT_NOFILE, &before);
  Finish();
  EXPECT_THAT(Stdout(), ElementsAre("1", "2"));
  EXPECT_EQ(pipeline_->Statistics().gaps, 0U);
}

TEST_F(LogPipelineTest, WhatIsNotFollowed) {
  const auto reopened = pipeline_->Reopen("unknown");
  ASSERT_FALSE(reopened);
  EXPECT_EQ(reopened.error().code, Code::kNotFound);
  pipeline_->Finish("unknown");
  EXPECT_TRUE(pipeline_->FinishAndWait(CallContext::WithTimeout(seconds(5)), "unknown"));
  pipeline_->Forget("unknown");
  auto stream = Stream();
  stream.cri_log = "/proc/nowhere/0.log";
  EXPECT_FALSE(pipeline_->Follow(stream));
}

TEST_F(LogPipelineTest, ForgetDropsThePosition) {
  Follow();
  Follow();
  EXPECT_EQ(pipeline_->Statistics().followed, 1U);
  EXPECT_TRUE(fs::exists(folder_ / "state/logs/id"));
  Finish();
  EXPECT_TRUE(fs::exists(folder_ / "state/logs/id"));
  EXPECT_EQ(pipeline_->Statistics().followed, 0U);
  pipeline_->Forget("id");
  pipeline_.reset();
  // What was asked before the end may or may not have been done: ask again.
  Restart();
  pipeline_->Forget("id");
  (void)pipeline_->Reopen("id");
  EXPECT_FALSE(fs::exists(folder_ / "state/logs/id"));
}

TEST_F(LogPipelineTest, WithoutFileAndWithoutDockerTheFileIsThere) {
  auto stream = Stream();
  stream.docker_log.clear();
  ASSERT_TRUE(pipeline_->Follow(stream));
  EXPECT_TRUE(fs::exists(cri_));
  ASSERT_TRUE(pipeline_->Reopen("id"));
  const auto waited = pipeline_->FinishAndWait(CallContext::WithTimeout(milliseconds(200)), "id");
  ASSERT_FALSE(waited);
  EXPECT_EQ(waited.error().code, Code::kDeadlineExceeded);
  pipeline_->Forget("id");
}

TEST_F(LogPipelineTest, IdleLogsHoldNoFilesAndNoThreads) {
  const auto count = [](const char* what) {
    const auto entries = fs::directory_iterator(what);
    return std::distance(begin(entries), end(entries));
  };
  const auto files = count("/proc/self/fd");
  const auto threads = count("/proc/self/task");
  for (int i = 0; i < 500; ++i) {
    const std::string id = "c" + std::to_string(i);
    fs::create_directory(folder_ / id);
    SimulatedDocker(folder_ / id / "json.log", {}).WriteLine("stdout", "up");
    ASSERT_TRUE(pipeline_->Follow(
        {id, id, folder_ / id / "json.log", folder_ / "pods" / id / "0.log", false}));
  }
  EXPECT_EQ(count("/proc/self/task"), threads);
  for (int tries = 0; tries < 600 && count("/proc/self/fd") > files + 3; ++tries) {
    std::this_thread::sleep_for(milliseconds(100));
  }
  EXPECT_LE(count("/proc/self/fd"), files + 3);
  EXPECT_EQ(pipeline_->Statistics().followed, 500U);
  EXPECT_EQ(pipeline_->Statistics().lines, 500U);
  // And it is over with the work: what an idle second costs.
  const auto cpu_millis = [] {
    timespec spent = {};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &spent);
    return static_cast<double>(spent.tv_sec) * 1e3 + static_cast<double>(spent.tv_nsec) / 1e6;
  };
  const double before = cpu_millis();
  std::this_thread::sleep_for(seconds(3));
  std::cout << "500 idle logs cost " << (cpu_millis() - before) / 3 << " ms of CPU per second\n";
}

TEST_F(LogPipelineTest, ManyContainersShareOneThread) {
  constexpr int kContainers = 200;
  std::vector<SimulatedDocker> dockers;
  const auto id_of = [](int i) { return "c" + std::to_string(i); };
  for (int i = 0; i < kContainers; ++i) {
    fs::create_directory(folder_ / id_of(i));
    dockers.emplace_back(folder_ / id_of(i) / "json.log", SimulatedDocker::Options());
    ASSERT_TRUE(pipeline_->Follow(
        {id_of(i), id_of(i), dockers.back().Path(), folder_ / "pods" / id_of(i) / "0.log", false}));
  }
  for (int line = 0; line < 20; ++line) {
    for (auto& docker : dockers) docker.WriteLine("stdout", std::to_string(line));
  }
  const auto limit = CallContext::WithTimeout(std::chrono::minutes(2));
  for (int i = 0; i < kContainers; ++i) {
    ASSERT_TRUE(pipeline_->FinishAndWait(limit, id_of(i)));
    auto content = ParseCri(ReadRotated(folder_ / "pods" / id_of(i) / "0.log"));
    ASSERT_EQ(content.lines["stdout"].size(), 20U);
  }
  EXPECT_EQ(pipeline_->Statistics().lines, 20U * kContainers);
}

}  // namespace
}  // namespace dockershimd::shim::logs
