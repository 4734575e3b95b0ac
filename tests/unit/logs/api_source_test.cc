// Logs that come through Docker's API: what an engine's streams may do must neither lose nor double
// a line.
#include "shim/logs/api_source.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <optional>
#include <thread>

#include "base/file.h"
#include "base/guarded.h"
#include "cri_reader.h"
#include "fake_engine.h"
#include "shim/logs/log_pipeline.h"
#include "temporary_folder.h"

namespace dockershimd::shim::logs {
namespace {

namespace fs = std::filesystem;
using base::CallContext;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testsupport::EngineReply;
using testsupport::EngineRequest;

/// One message of Docker's multiplexed stream.
std::string Frame(bool is_stderr, const std::string& text) {
  std::string frame(1, is_stderr ? '\2' : '\1');
  frame.append(3, '\0');
  for (const int shift : {24, 16, 8, 0}) frame.push_back(static_cast<char>(text.size() >> shift));
  return frame + text;
}

/// A container's log as dockerd keeps it and serves it.
class LoggedContainer {
 public:
  /// `number` makes the line's time: three lines share one.
  void Write(std::size_t number) {
    auto state = state_.Lock();
    state->messages.push_back({kStart + static_cast<base::UnixNanos>(number / 3) * 1'000,
                               number % 4 == 0, "line " + std::to_string(number)});
    changed_.notify_all();
  }
  void SetRunning(bool running) {
    state_.Lock()->running = running;
    changed_.notify_all();
  }
  /// Ends each stream after some lines: as an old engine ends it, or in the middle of a message.
  void CutStreamsAfter(std::size_t lines) { cut_after_ = lines; }
  /// Ends the streams that are open.
  void EndStreams() {
    stopped_ = true;
    changed_.notify_all();
  }
  [[nodiscard]] int Streams() const { return streams_; }

  void Serve(const EngineRequest& request, EngineReply& reply) {
    const int stream = streams_++;
    const auto since = request.Query("since");
    const bool follow = request.Query("follow") == "1" || request.Query("follow") == "true";
    reply.Begin();
    std::size_t sent = 0;
    for (std::size_t next = 0;; ++next) {
      const auto message = Await(next, follow);
      if (!message) return reply.LastChunk();
      if (DockerTime(message->time) < since) continue;
      const auto frame =
          Frame(message->is_stderr, Rfc3339(message->time) + " " + message->text + "\n");
      if (cut_after_ > 0 && ++sent > cut_after_) {
        if (stream % 2 == 0) return reply.LastChunk();
        reply.Chunk(frame.substr(0, frame.size() / 2));
        return reply.Close();
      }
      reply.Chunk(frame);
    }
  }

 private:
  static constexpr base::UnixNanos kSecond = 1'000'000'000;
  static constexpr base::UnixNanos kStart = 1'700'000'000 * kSecond;

  struct Message {
    base::UnixNanos time = 0;
    bool is_stderr = false;
    std::string text;
  };
  struct State {
    std::vector<Message> messages;
    bool running = true;
  };

  static std::string DockerTime(base::UnixNanos time) {
    return fmt::format("{}.{:09}", time / kSecond, time % kSecond);
  }
  static std::string Rfc3339(base::UnixNanos time) {
    return fmt::format("2023-11-14T22:{:02}:{:02}.{:09}Z", 13 + (time - kStart) / kSecond / 60, 20,
                       time % kSecond);
  }

  /// Waits for the message as long as more may come.
  std::optional<Message> Await(std::size_t index, bool follow) {
    auto state = state_.Lock();
    while (index >= state->messages.size()) {
      if (!follow || !state->running || stopped_) return std::nullopt;
      state.WaitUntil(changed_, std::chrono::steady_clock::now() + milliseconds(20));
    }
    return state->messages[index];
  }

  base::Guarded<State> state_;
  std::condition_variable changed_;
  std::atomic<std::size_t> cut_after_ = 0;
  std::atomic<bool> stopped_ = false;
  std::atomic<int> streams_ = 0;
};

class ApiSourceTest : public testing::Test {
 protected:
  ApiSourceTest() {
    cri_ = folder_ / "pods/a_b_c/main/0.log";
    engine_.On("GET", "/containers/id/logs",
               [this](const EngineRequest& request, EngineReply& reply) {
                 container_.Serve(request, reply);
               });
    Restart();
  }
  ~ApiSourceTest() override {
    pipeline_.reset();
    container_.EndStreams();
  }

  /// As a new daemon.
  void Restart() {
    pipeline_.reset();
    pipeline_.emplace(LogOptions{folder_ / "state"}, client_);
  }
  [[nodiscard]] LogStream Stream() const { return {"id", "test/pod/main", {}, cri_, false}; }
  void Write(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) container_.Write(written_++);
  }
  void Finish() {
    container_.SetRunning(false);
    const auto finished = pipeline_->FinishAndWait(CallContext::WithTimeout(seconds(60)), "id");
    EXPECT_TRUE(finished) << finished.error().message;
  }

  /// Waits until this many lines are in the CRI file, at least.
  void AwaitLines(std::size_t count) {
    for (int tries = 0; tries < 6000 && LinesWritten() < count; ++tries) {
      std::this_thread::sleep_for(milliseconds(10));
    }
    ASSERT_GE(LinesWritten(), count);
  }
  [[nodiscard]] std::size_t LinesWritten() const {
    const auto log = base::ReadFile(cri_).value_or("");
    return static_cast<std::size_t>(std::count(log.begin(), log.end(), '\n'));
  }

  void ExpectEveryLineOnce() const {
    auto content = ParseCri(base::ReadFile(cri_).value_or(""));
    std::map<std::string, std::vector<std::string>> expected;
    for (std::size_t number = 0; number < written_; ++number) {
      expected[number % 4 == 0 ? "stderr" : "stdout"].push_back("line " + std::to_string(number));
    }
    EXPECT_EQ(content.lines["stdout"], expected["stdout"]);
    EXPECT_EQ(content.lines["stderr"], expected["stderr"]);
  }

  const testsupport::TemporaryFolder temporary_;
  const fs::path folder_ = temporary_.Path();
  fs::path cri_;
  LoggedContainer container_;
  std::size_t written_ = 0;
  testsupport::FakeEngine engine_;
  dockerapi::Client client_{{.socket_path = engine_.Socket()}};
  std::optional<LogPipeline> pipeline_;
};

TEST_F(ApiSourceTest, FollowsToTheEnd) {
  ASSERT_TRUE(pipeline_->Follow(Stream()));
  Write(100);
  AwaitLines(100);
  Write(100);
  Finish();
  ExpectEveryLineOnce();
}

TEST_F(ApiSourceTest, StreamsThatEndTooSoon) {
  container_.CutStreamsAfter(7);
  ASSERT_TRUE(pipeline_->Follow(Stream()));
  Write(30);
  AwaitLines(30);
  container_.CutStreamsAfter(0);
  Finish();
  EXPECT_GT(container_.Streams(), 4);
  ExpectEveryLineOnce();
}

TEST_F(ApiSourceTest, AContainerWhoseStreamEndsBeforeItRuns) {
  // Docker does not follow a container that it has not yet marked as running.
  container_.SetRunning(false);
  Write(1);
  pipeline_->Resume(Stream(), true);
  AwaitLines(1);
  container_.SetRunning(true);
  Write(20);
  AwaitLines(21);
  Finish();
  ExpectEveryLineOnce();
}

TEST_F(ApiSourceTest, RestartsAtAnyLine) {
  pipeline_->Resume(Stream(), true);
  for (std::size_t lines = 1; lines < 20; ++lines) {
    Write(1);
    AwaitLines(lines);
    Restart();
    pipeline_->Resume(Stream(), true);
  }
  Finish();
  ExpectEveryLineOnce();
}

TEST_F(ApiSourceTest, RestartsWhileLinesCome) {
  std::jthread writer([this](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      Write(1);
      std::this_thread::sleep_for(milliseconds(1));
    }
  });
  for (int restarts = 0; restarts < 20; ++restarts) {
    pipeline_->Resume(Stream(), true);
    std::this_thread::sleep_for(milliseconds(5 * restarts));
    Restart();
  }
  writer = {};
  pipeline_->Resume(Stream(), true);
  Finish();
  ExpectEveryLineOnce();
}

TEST_F(ApiSourceTest, ALostPositionIsFoundInTheCriFile) {
  pipeline_->Resume(Stream(), true);
  for (std::size_t lines = 1; lines < 8; ++lines) {
    Write(1);
    AwaitLines(lines);
    pipeline_.reset();
    fs::remove_all(folder_ / "state");
    Restart();
    pipeline_->Resume(Stream(), true);
  }
  Finish();
  ExpectEveryLineOnce();
}

TEST_F(ApiSourceTest, AContainerThatIsStartedAgain) {
  for (int starts = 0; starts < 3; ++starts) {
    container_.SetRunning(true);
    pipeline_->Resume(Stream(), true);
    Write(5);
    AwaitLines(written_);
    Finish();
    // Its removal looks at the end once more.
    pipeline_->Resume(Stream(), false);
    Finish();
  }
  ExpectEveryLineOnce();
}

}  // namespace
}  // namespace dockershimd::shim::logs
