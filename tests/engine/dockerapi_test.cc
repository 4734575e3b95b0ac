// The client against a real engine: what Docker does, not what its documentation says.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <future>
#include <thread>

#include "dockerapi/client.h"
#include "pause/pause_image.h"

namespace dockershimd::dockerapi {
namespace {

using base::CallContext;
using base::Code;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::Contains;
using testing::HasSubstr;

const std::string kBusybox = "registry.k8s.io/e2e-test-images/busybox:1.29-2";
const std::string kLabel = "dockershimd.test";

CallContext Limit() { return CallContext::WithTimeout(seconds(60)); }

struct Output {
  std::string out;
  std::string err;
};

/// Writes `input`, then reads a hijacked stream to its end.
Output Talk(HijackedStream stream, std::string_view input) {
  Output output;
  const int fd = stream.fd.Get();
  EXPECT_EQ(::write(fd, input.data(), input.size()), static_cast<ssize_t>(input.size()));
  ::shutdown(fd, SHUT_WR);
  Demultiplexer demultiplexer;
  const auto sink = [&](OutputStream which, std::string_view bytes) {
    (which == OutputStream::kStdout ? output.out : output.err).append(bytes);
  };
  EXPECT_TRUE(demultiplexer.Feed(stream.leftover, sink));
  std::array<char, 4096> buffer;
  for (ssize_t count = 1; count > 0;) {
    count = ::read(fd, buffer.data(), buffer.size());
    if (count <= 0) break;
    EXPECT_TRUE(demultiplexer.Feed({buffer.data(), static_cast<std::size_t>(count)}, sink));
  }
  EXPECT_TRUE(demultiplexer.AtFrameBoundary());
  return output;
}

class EngineApi : public testing::Test {
 protected:
  EngineApi() : docker_({.socket_path = std::getenv("DSD_TEST_DOCKER_SOCKET")}) {
    ::signal(SIGPIPE, SIG_IGN);
  }

  void SetUp() override {
    const auto pulled = docker_.PullImage(Limit(), {kBusybox, "", {}}, [](const Progress&) {});
    ASSERT_TRUE(pulled) << pulled.error().message;
  }

  void TearDown() override {
    const auto left = docker_.ListContainers(Limit(), {kLabel});
    ASSERT_TRUE(left) << left.error().message;
    for (const auto& container : *left) {
      EXPECT_TRUE(docker_.RemoveContainer(Limit(), container.id, true));
    }
  }

  static ContainerSpec Spec(std::vector<std::string> command) {
    ContainerSpec spec;
    spec.image = kBusybox;
    spec.command = std::move(command);
    spec.labels = {{kLabel, "1"}};
    spec.host.network_mode = "none";
    return spec;
  }

  std::string Create(const ContainerSpec& spec, const std::string& name = "dsd-test") {
    const auto id = docker_.CreateContainer(Limit(), name, spec);
    EXPECT_TRUE(id) << id.error().message;
    return id.value_or("");
  }

  std::string Run(const ContainerSpec& spec) {
    const auto id = Create(spec);
    const auto started = docker_.StartContainer(Limit(), id);
    EXPECT_TRUE(started) << started.error().message;
    return id;
  }

  ContainerDetails Inspect(const std::string& id) {
    auto details = docker_.InspectContainer(Limit(), id);
    EXPECT_TRUE(details) << details.error().message;
    return details.value_or(ContainerDetails());
  }

  Client docker_;
};

const std::vector<std::string> kSleep = {"sh", "-c",
                                         "trap 'exit 7' TERM; while :; do sleep 0.1; done"};

TEST_F(EngineApi, NegotiatesWhatTheEngineHas) {
  const auto negotiated = docker_.Negotiate(Limit());
  const auto version = docker_.Version(Limit());
  ASSERT_TRUE(negotiated && version);
  EXPECT_EQ(*negotiated, std::min(version->api, kNewestApi));
  EXPECT_LE(version->min_api, *negotiated);
  EXPECT_TRUE(docker_.Ping(Limit()));
}

TEST_F(EngineApi, TellsAboutItself) {
  const auto info = docker_.Info(Limit());
  ASSERT_TRUE(info) << info.error().message;
  EXPECT_THAT(info->runtimes, Contains("runc"));
  EXPECT_THAT(info->root_dir, testing::StartsWith("/"));
  EXPECT_THAT(info->cgroup_driver, testing::AnyOf("cgroupfs", "systemd"));
  EXPECT_NE(info->storage_driver, "");
  const auto usage = docker_.GetDiskUsage(Limit());
  ASSERT_TRUE(usage) << usage.error().message;
  EXPECT_GT(usage->layers_bytes, 0);
}

TEST_F(EngineApi, Lifecycle) {
  auto spec = Spec(kSleep);
  spec.environment = {"A=b"};
  spec.host.resources.memory_bytes = 64 << 20;
  const auto id = Create(spec);
  EXPECT_EQ(Inspect(id).state.status, "created");
  EXPECT_EQ(docker_.CreateContainer(Limit(), "dsd-test", spec).error().code, Code::kAlreadyExists);
  EXPECT_TRUE(docker_.StartContainer(Limit(), id));
  // Twice is fine (304), on this connection and the next.
  EXPECT_TRUE(docker_.StartContainer(Limit(), id));
  EXPECT_TRUE(docker_.StartContainer(Limit(), id));
  const auto running = Inspect(id);
  EXPECT_TRUE(running.state.running);
  EXPECT_GT(running.state.pid, 0);
  EXPECT_GT(running.state.started_at, 0);
  EXPECT_EQ(running.state.finished_at, 0);
  EXPECT_THAT(running.spec.environment, Contains("A=b"));
  EXPECT_EQ(running.spec.host.resources.memory_bytes, 64 << 20);
  EXPECT_EQ(running.spec.labels.at(kLabel), "1");
  EXPECT_TRUE(running.spec.disable_healthcheck);

  EXPECT_TRUE(docker_.RenameContainer(Limit(), id, "dsd-renamed"));
  EXPECT_EQ(Inspect("dsd-renamed").id, id);
  EXPECT_EQ(docker_.RemoveContainer(Limit(), id, false).error().http_status, 409);

  auto waiting = std::async(std::launch::async, [&] { return docker_.WaitContainer(Limit(), id); });
  EXPECT_TRUE(docker_.StopContainer(Limit(), id, seconds(20)));
  EXPECT_TRUE(docker_.StopContainer(Limit(), id, seconds(20)));
  EXPECT_EQ(waiting.get(), 7);
  EXPECT_EQ(Inspect(id).state.exit_code, 7);
  EXPECT_EQ(docker_.KillContainer(Limit(), id, "SIGKILL").error().http_status, 409);
  EXPECT_TRUE(docker_.RemoveContainer(Limit(), id, false));
  EXPECT_EQ(docker_.InspectContainer(Limit(), id).error().code, Code::kNotFound);
  EXPECT_EQ(docker_.StartContainer(Limit(), id).error().code, Code::kNotFound);
  EXPECT_EQ(docker_.StopContainer(Limit(), id, seconds(0)).error().code, Code::kNotFound);
}

TEST_F(EngineApi, KilledAndUpdated) {
  const auto id = Run(Spec(kSleep));
  Resources resources;
  resources.cpu_shares = 512;
  const auto updated = docker_.UpdateContainer(Limit(), id, resources);
  EXPECT_TRUE(updated) << updated.error().message;
  EXPECT_EQ(Inspect(id).spec.host.resources.cpu_shares, 512);
  EXPECT_TRUE(docker_.KillContainer(Limit(), id, "SIGKILL"));
  EXPECT_EQ(docker_.WaitContainer(Limit(), id), 137);
  EXPECT_FALSE(docker_.KillContainer(Limit(), id, "SIGNONSENSE"));
}

TEST_F(EngineApi, ListedByLabel) {
  const auto id = Create(Spec({"true"}));
  const auto listed = docker_.ListContainers(Limit(), {kLabel + "=1"});
  ASSERT_TRUE(listed) << listed.error().message;
  ASSERT_EQ(listed->size(), 1U);
  EXPECT_EQ(listed->front().id, id);
  EXPECT_THAT(listed->front().names, testing::ElementsAre("/dsd-test"));
  EXPECT_TRUE(docker_.ListContainers(Limit(), {kLabel + "=2"})->empty());
}

TEST_F(EngineApi, WhatIsWrongIsSaid) {
  auto spec = Spec({"true"});
  spec.image = "registry.k8s.io/nonesuch:1";
  const auto no_image = docker_.CreateContainer(Limit(), "dsd-test", spec);
  EXPECT_EQ(no_image.error().code, Code::kNotFound);
  EXPECT_THAT(no_image.error().message, HasSubstr("nonesuch"));
  const auto bad_name = docker_.CreateContainer(Limit(), "not valid", Spec({"true"}));
  EXPECT_EQ(bad_name.error().code, Code::kInvalidArgument) << bad_name.error().message;
  const auto id = Create(Spec({"/nonesuch"}));
  EXPECT_THAT(docker_.StartContainer(Limit(), id).error().message, HasSubstr("/nonesuch"));
  const auto pulled =
      docker_.PullImage(Limit(), {"registry.k8s.io/nonesuch:1", "", {}}, [](const Progress&) {});
  EXPECT_EQ(pulled.error().code, Code::kNotFound) << pulled.error().message;
}

TEST_F(EngineApi, ExecWithInputOutputAndExitCode) {
  const auto id = Run(Spec(kSleep));
  ExecSpec spec;
  spec.command = {"sh", "-c", "cat; echo err >&2; exit 3"};
  spec.attach_stdin = true;
  const auto exec = docker_.CreateExec(Limit(), id, spec);
  ASSERT_TRUE(exec) << exec.error().message;
  auto stream = docker_.StartExec(Limit(), *exec, false);
  ASSERT_TRUE(stream) << stream.error().message;
  const auto output = Talk(std::move(*stream), "hello");
  EXPECT_EQ(output.out, "hello");
  EXPECT_EQ(output.err, "err\n");
  // The state follows the stream's end after a moment.
  auto state = docker_.InspectExec(Limit(), *exec);
  for (int i = 0; i < 100 && state && state->running; ++i) {
    std::this_thread::sleep_for(milliseconds(20));
    state = docker_.InspectExec(Limit(), *exec);
  }
  ASSERT_TRUE(state) << state.error().message;
  EXPECT_FALSE(state->running);
  EXPECT_EQ(state->exit_code, 3);
  EXPECT_EQ(state->container_id, id);
  EXPECT_EQ(docker_.InspectExec(Limit(), "nonesuch").error().code, Code::kNotFound);
}

TEST_F(EngineApi, ExecWithATerminal) {
  const auto id = Run(Spec(kSleep));
  ExecSpec spec;
  spec.command = {"sh", "-c", "sleep 1; stty size"};
  spec.tty = spec.attach_stdin = true;
  const auto exec = docker_.CreateExec(Limit(), id, spec);
  ASSERT_TRUE(exec) << exec.error().message;
  auto stream = docker_.StartExec(Limit(), *exec, true);
  ASSERT_TRUE(stream) << stream.error().message;
  EXPECT_TRUE(docker_.ResizeExec(Limit(), *exec, 33, 44));
  std::string text = stream->leftover;
  std::array<char, 256> buffer;
  for (ssize_t count = 1; count > 0;) {
    count = ::read(stream->fd.Get(), buffer.data(), buffer.size());
    if (count > 0) text.append(buffer.data(), static_cast<std::size_t>(count));
  }
  EXPECT_THAT(text, HasSubstr("33 44"));
}

TEST_F(EngineApi, Attach) {
  auto spec = Spec({"sh", "-c", "read line; echo got $line; echo err >&2"});
  spec.open_stdin = spec.stdin_once = true;
  const auto id = Create(spec);
  auto stream = docker_.AttachContainer(Limit(), id, {true, true, true, false, ""});
  ASSERT_TRUE(stream) << stream.error().message;
  ASSERT_TRUE(docker_.StartContainer(Limit(), id));
  const auto output = Talk(std::move(*stream), "input\n");
  EXPECT_EQ(output.out, "got input\n");
  EXPECT_EQ(output.err, "err\n");
}

TEST_F(EngineApi, Logs) {
  const auto id = Run(Spec({"sh", "-c", "echo out; echo err >&2"}));
  ASSERT_EQ(docker_.WaitContainer(Limit(), id), 0);
  Output output;
  const auto sink = [&](OutputStream which, std::string_view bytes) {
    (which == OutputStream::kStdout ? output.out : output.err).append(bytes);
    return true;
  };
  const auto read = docker_.StreamLogs(Limit(), id, false, {true, true, 0}, sink);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_THAT(output.out, testing::MatchesRegex("20.*Z out\n"));
  EXPECT_THAT(output.err, testing::MatchesRegex("20.*Z err\n"));
  output = {};
  ASSERT_TRUE(docker_.StreamLogs(Limit(), id, false, {false, false, base::WallClockNow()}, sink));
  EXPECT_EQ(output.out + output.err, "");
}

TEST_F(EngineApi, Events) {
  std::vector<std::string> actions;
  std::string id;
  const auto watched = docker_.StreamEvents(
      Limit(), {.since = 0, .types = {"container"}, .actions = {}},
      [&] {
        id = Run(Spec({"true"}));
        EXPECT_EQ(docker_.WaitContainer(Limit(), id), 0);
        EXPECT_TRUE(docker_.RemoveContainer(Limit(), id, false));
      },
      [&](const Event& event) {
        EXPECT_EQ(event.type, "container");
        EXPECT_EQ(event.actor_id, id);
        EXPECT_EQ(event.attributes.at(kLabel), "1");
        EXPECT_GT(event.time, 0);
        actions.push_back(event.action);
        return event.action != "destroy";
      });
  ASSERT_TRUE(watched) << watched.error().message;
  EXPECT_THAT(actions, testing::IsSupersetOf({"create", "start", "die", "destroy"}));
}

TEST_F(EngineApi, LongCallsEndWithTheirCaller) {
  const auto id = Run(Spec(kSleep));
  EXPECT_EQ(docker_.WaitContainer(CallContext::WithTimeout(milliseconds(100)), id).error().code,
            Code::kDeadlineExceeded);
  std::atomic<bool> gone = false;
  CallContext context;
  context.cancelled = [&] { return gone.exchange(true); };
  EXPECT_EQ(docker_.WaitContainer(context, id).error().code, Code::kCancelled);
  EXPECT_TRUE(Inspect(id).state.running);
}

TEST_F(EngineApi, TheBuiltInPauseImage) {
  const auto loaded = docker_.LoadImage(Limit(), pause::BuildImageArchive());
  ASSERT_TRUE(loaded) << loaded.error().message;
  const std::string name(pause::ImageReference());
  const auto image = docker_.InspectImage(Limit(), name);
  ASSERT_TRUE(image) << image.error().message;
  ASSERT_TRUE(docker_.LoadImage(Limit(), pause::BuildImageArchive()));
  EXPECT_EQ(docker_.InspectImage(Limit(), name)->id, image->id);

  auto spec = Spec({});
  spec.image = name;
  spec.command.reset();
  const auto id = Run(spec);
  EXPECT_TRUE(Inspect(id).state.running);
  EXPECT_TRUE(docker_.StopContainer(Limit(), id, seconds(30)));
  EXPECT_EQ(Inspect(id).state.exit_code, 0);
  EXPECT_TRUE(docker_.RemoveContainer(Limit(), id, false));
  EXPECT_TRUE(docker_.TagImage(Limit(), name, "dockershimd/other", "2"));
  EXPECT_EQ(docker_.InspectImage(Limit(), "dockershimd/other:2")->id, image->id);
  EXPECT_TRUE(docker_.RemoveImage(Limit(), "dockershimd/other:2", false));
  EXPECT_TRUE(docker_.RemoveImage(Limit(), name, false));
  EXPECT_EQ(docker_.InspectImage(Limit(), name).error().code, Code::kNotFound);
}

}  // namespace
}  // namespace dockershimd::dockerapi
