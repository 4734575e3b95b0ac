#include "base/process.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <filesystem>
#include <thread>
#include <vector>

namespace dockershimd::base {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Clock = std::chrono::steady_clock;

Command Shell(const std::string& script, const std::string& input = "") {
  return {{"/bin/sh", "-c", script}, {"PATH=/usr/bin:/bin", "GREETING=hello"}, input};
}

Result<CommandOutput> RunShell(const std::string& script, const std::string& input = "") {
  return base::Run(CallContext::WithTimeout(seconds(30)), Shell(script, input));
}

std::size_t OpenDescriptors() {
  return static_cast<std::size_t>(
      std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {}));
}

TEST(Run, OutputErrorsAndExitCode) {
  const auto result = RunShell("echo out; echo err >&2; exit 7");
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->exit_code, 7);
  EXPECT_EQ(result->standard_output, "out\n");
  EXPECT_EQ(result->standard_error, "err\n");
}

TEST(Run, OnlyTheGivenEnvironment) {
  const auto result =
      base::Run(CallContext::WithTimeout(seconds(30)), {{"/usr/bin/env"}, {"A=1"}, ""});
  ASSERT_TRUE(result);
  EXPECT_EQ(result->standard_output, "A=1\n");
}

TEST(Run, ASignalIs128AndItsNumber) { EXPECT_EQ(RunShell("kill -9 $$").value().exit_code, 137); }

TEST(Run, LargeInputComesBackWhole) {
  std::string input(3 << 20, 'x');
  for (std::size_t i = 0; i < input.size(); i += 61) input[i] = static_cast<char>('a' + i % 26);
  const auto result = RunShell("cat", input);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->standard_output, input);
}

TEST(Run, AProgramMayIgnoreItsInput) {
  ::signal(SIGPIPE, SIG_IGN);
  const auto result = RunShell("exec <&-; sleep 0.1; echo done", std::string(1 << 20, 'x'));
  ASSERT_TRUE(result);
  EXPECT_EQ(result->standard_output, "done\n");
}

TEST(Run, WithoutInputTheProgramReadsEndOfFile) {
  EXPECT_EQ(RunShell("cat; echo end").value().standard_output, "end\n");
}

TEST(Run, OutputIsCappedAndTheProgramStillEnds) {
  const auto result = RunShell("head -c 20000000 /dev/zero; exit 3");
  ASSERT_TRUE(result);
  EXPECT_EQ(result->standard_output.size(), 8U << 20);
  EXPECT_EQ(result->exit_code, 3);
}

TEST(Run, ATimeoutKillsTheWholeGroup) {
  const auto before = OpenDescriptors();
  const std::string survived = testing::TempDir() + "dockershimd-grandchild-survived";
  const auto start = Clock::now();
  const auto result = base::Run(CallContext::WithTimeout(milliseconds(300)),
                                Shell("(sleep 1; touch " + survived + ") & sleep 60"));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Code::kDeadlineExceeded);
  EXPECT_LT(Clock::now() - start, seconds(5));
  EXPECT_EQ(OpenDescriptors(), before);
  std::this_thread::sleep_for(milliseconds(1200));
  EXPECT_FALSE(std::filesystem::remove(survived));
}

TEST(Run, ACallerWhoGoesAwayEndsIt) {
  const auto start = Clock::now();
  CallContext context = CallContext::WithTimeout(seconds(30));
  context.cancelled = [&] { return Clock::now() - start > milliseconds(200); };
  const auto result = base::Run(context, Shell("sleep 60"));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Code::kCancelled);
  EXPECT_LT(Clock::now() - start, seconds(5));
}

TEST(Run, WhatNobodyWaitsForAnyMoreIsNotBegun) {
  const std::string begun = testing::TempDir() + "dockershimd-begun";
  const auto late = base::Run(CallContext::WithTimeout(seconds(0)), Shell("touch " + begun));
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, Code::kDeadlineExceeded);
  CallContext gone;
  gone.cancelled = [] { return true; };
  const auto unheard = base::Run(gone, Shell("touch " + begun));
  ASSERT_FALSE(unheard);
  EXPECT_EQ(unheard.error().code, Code::kCancelled);
  EXPECT_FALSE(std::filesystem::remove(begun));
}

TEST(Run, AGrandchildThatHoldsThePipesIsNotWaitedFor) {
  const auto start = Clock::now();
  const auto result = RunShell("echo out; sleep 5 & exit 0");
  ASSERT_TRUE(result);
  EXPECT_EQ(result->standard_output, "out\n");
  EXPECT_LT(Clock::now() - start, seconds(4));
}

TEST(Run, AGrandchildThatKeepsWritingIsNotWaitedFor) {
  const auto result = base::Run(CallContext::WithTimeout(seconds(10)),
                                Shell("echo $$; exec 2>&-; timeout 12 yes & sleep 0.1; exit 0"));
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->exit_code, 0);
  ::kill(-std::stoi(result->standard_output), SIGKILL);
}

TEST(Run, AMissingProgramIsNamed) {
  const auto before = OpenDescriptors();
  const auto result =
      base::Run(CallContext::WithTimeout(seconds(1)), {{"/no/such/program"}, {}, ""});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Code::kNotFound);
  EXPECT_NE(result.error().message.find("/no/such/program"), std::string::npos);
  EXPECT_EQ(OpenDescriptors(), before);
}

TEST(Run, SignalsAreInTheirDefaultState) {
  ::signal(SIGPIPE, SIG_IGN);
  const auto result = RunShell("sed -n 's/^SigIgn:.//p' /proc/self/status");
  ASSERT_TRUE(result);
  // Signals 32 and 33 are the C library's own.
  EXPECT_EQ(std::stoull(result->standard_output, nullptr, 16) & 0x7fffffff, 0U);
  EXPECT_EQ(RunShell("kill -PIPE $$; exit 0").value().exit_code, 128 + SIGPIPE);
}

TEST(Run, AHundredAtOnce) {
  const auto before = OpenDescriptors();
  std::vector<std::jthread> threads;
  for (int i = 0; i < 100; ++i) {
    threads.emplace_back([i] {
      const auto text = std::to_string(i);
      const auto result = RunShell("cat; echo " + text + " >&2; exit " + text, text);
      ASSERT_TRUE(result) << result.error().message;
      EXPECT_EQ(result->exit_code, i);
      EXPECT_EQ(result->standard_output, text);
      EXPECT_EQ(result->standard_error, text + "\n");
    });
  }
  threads.clear();
  EXPECT_EQ(OpenDescriptors(), before);
}

}  // namespace
}  // namespace dockershimd::base
